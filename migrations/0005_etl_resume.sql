-- What lets a load go on where it was cut off, and tells one that has nothing to do.
ALTER TABLE digitalism_etl_runs
    ADD COLUMN fingerprint text,                                    -- SHA-256 of all that decides what a load does
    ADD COLUMN records bigint,                                      -- of the file, the header not counted
    ADD COLUMN position bigint NOT NULL DEFAULT 0,                  -- the records up to this one are loaded
    ADD COLUMN resumed integer NOT NULL DEFAULT 0,                  -- how often the run was taken up again
    ADD COLUMN rows_without_coordinates bigint NOT NULL DEFAULT 0;  -- among those that were not rejected or duplicate
CREATE INDEX digitalism_etl_runs_fingerprint ON digitalism_etl_runs (fingerprint);

-- How far each part of an unfinished run has come. A part has the records of some of the keys; its position and counts
-- change in the transaction of its rows and rejects, so that they always tell what is there.
CREATE TABLE digitalism_etl_progress (
    run_id bigint NOT NULL REFERENCES digitalism_etl_runs (id) ON DELETE CASCADE,
    part integer NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_inserted bigint NOT NULL DEFAULT 0,
    rows_updated bigint NOT NULL DEFAULT 0,
    rows_unchanged bigint NOT NULL DEFAULT 0,
    rows_duplicate bigint NOT NULL DEFAULT 0,
    rows_rejected bigint NOT NULL DEFAULT 0,
    rows_without_coordinates bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, part),
    CONSTRAINT digitalism_etl_progress_counts
        CHECK (rows_read = rows_inserted + rows_updated + rows_unchanged + rows_duplicate + rows_rejected)
);
