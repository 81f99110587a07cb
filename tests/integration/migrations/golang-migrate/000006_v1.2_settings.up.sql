ALTER TABLE teams ADD COLUMN settings jsonb NOT NULL DEFAULT '{}'
