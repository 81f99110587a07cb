-- +goose Up
-- +goose NO TRANSACTION
ALTER TYPE account_kind ADD VALUE 'group';
ALTER TABLE accounts ADD CONSTRAINT groups_have_high_ids CHECK (kind <> 'group' OR id >= 1000);

-- +goose Down
ALTER TABLE accounts DROP CONSTRAINT groups_have_high_ids;
ALTER TABLE accounts ALTER COLUMN kind DROP DEFAULT, ALTER COLUMN kind TYPE text;
DROP TYPE account_kind;
CREATE TYPE account_kind AS ENUM ('person', 'bot');
ALTER TABLE accounts ALTER COLUMN kind TYPE account_kind USING kind::account_kind;
ALTER TABLE accounts ALTER COLUMN kind SET DEFAULT 'person';
