-- +goose Up
-- +goose StatementBegin
ALTER TABLE notes ADD COLUMN body text;
UPDATE notes SET body = 'see
-- the second line';
ALTER TABLE notes ALTER COLUMN body SET NOT NULL;
-- +goose StatementEnd
-- +goose Down
-- +goose StatementBegin
ALTER TABLE notes DROP COLUMN body;
-- +goose StatementEnd
