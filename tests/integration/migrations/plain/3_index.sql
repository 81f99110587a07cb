CREATE INDEX readings_taken_at ON readings USING brin (taken_at);
