-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION touch() RETURNS trigger AS $$
BEGIN
    NEW.touched_at := current_timestamp;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;
-- +goose StatementEnd

ALTER TABLE accounts ADD COLUMN touched_at timestamptz;
CREATE TRIGGER touch BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch();

-- +goose Down
DROP TRIGGER touch ON accounts;
ALTER TABLE accounts DROP COLUMN touched_at;
-- +goose StatementBegin
DROP FUNCTION touch();
-- +goose StatementEnd
