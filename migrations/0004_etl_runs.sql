-- The loader's ledger: one row for each load of one file, and one for each record that a load refused.
CREATE TABLE digitalism_etl_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file text NOT NULL,
    file_bytes bigint NOT NULL,
    file_sha256 text NOT NULL,
    mode text NOT NULL CONSTRAINT digitalism_etl_runs_mode CHECK (mode IN ('skip', 'replace')),
    state text NOT NULL DEFAULT 'running'
        CONSTRAINT digitalism_etl_runs_state CHECK (state IN ('running', 'done', 'failed', 'interrupted')),
    error text,
    started_at timestamp with time zone NOT NULL DEFAULT now(),
    finished_at timestamp with time zone,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_inserted bigint NOT NULL DEFAULT 0,
    rows_updated bigint NOT NULL DEFAULT 0,
    rows_unchanged bigint NOT NULL DEFAULT 0,
    rows_duplicate bigint NOT NULL DEFAULT 0,
    rows_rejected bigint NOT NULL DEFAULT 0,
    rows_geocoded bigint NOT NULL DEFAULT 0,
    CONSTRAINT digitalism_etl_runs_counts
        CHECK (rows_read = rows_inserted + rows_updated + rows_unchanged + rows_duplicate + rows_rejected),
    CONSTRAINT digitalism_etl_runs_finished CHECK ((state = 'running') = (finished_at IS NULL))
);

CREATE TABLE digitalism_etl_rejects (
    run_id bigint NOT NULL REFERENCES digitalism_etl_runs (id) ON DELETE CASCADE,
    record bigint NOT NULL, -- the record's number in the file, the header not counted
    file text NOT NULL,
    line bigint NOT NULL,   -- the physical line on which the record starts
    column_name text NOT NULL,
    code text NOT NULL,
    reason text NOT NULL,
    raw text NOT NULL,      -- as it stands in the file, cut at 4096 bytes; bytes that are not UTF-8 are U+FFFD
    PRIMARY KEY (run_id, record)
);
