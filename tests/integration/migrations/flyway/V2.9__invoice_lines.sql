CREATE TABLE invoice_line (invoice_id BIGINT NOT NULL REFERENCES invoice (id), position INT NOT NULL, cents BIGINT NOT NULL);
