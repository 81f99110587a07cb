-- Accounts and what they can do.
--
-- Forward only: there is nothing before it.

-- +goose Up
CREATE TABLE accounts (
    id int NOT NULL PRIMARY KEY,
    username text NOT NULL
);
CREATE UNIQUE INDEX accounts_username ON accounts (lower(username)); -- as people type it
