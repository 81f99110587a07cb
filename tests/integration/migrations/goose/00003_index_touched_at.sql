-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY IF NOT EXISTS accounts_touched_at ON accounts (touched_at);

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS accounts_touched_at;
