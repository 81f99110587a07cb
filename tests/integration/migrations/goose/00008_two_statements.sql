-- +goose Up

-- +goose StatementBegin
CREATE TABLE notes (
    id int PRIMARY KEY,
    account_id int REFERENCES accounts (id)
)
-- +goose StatementEnd

-- +goose StatementBegin
CREATE INDEX notes_account_id ON notes (account_id)
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE notes
-- +goose StatementEnd
