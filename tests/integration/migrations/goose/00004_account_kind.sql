-- +goose Up
CREATE TYPE account_kind AS ENUM ('person', 'bot');
ALTER TABLE accounts ADD COLUMN kind account_kind NOT NULL DEFAULT 'person';

-- +goose Down
ALTER TABLE accounts DROP COLUMN kind;
DROP TYPE account_kind;
