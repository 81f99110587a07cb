CREATE TABLE settings (key TEXT PRIMARY KEY, value JSONB NOT NULL);
INSERT INTO settings VALUES ('limits', '{"a;b": [1, 2], "path": "c:\\d"}'), ('operator', '"a ? b :c $1"');
