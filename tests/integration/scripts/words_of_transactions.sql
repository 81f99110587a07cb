CREATE TABLE commits ("begin" int, "end" int, commit int);
INSERT INTO commits AS rollback (commit) VALUES (1);
INSERT INTO journal SELECT 'words', commit::text AS "end" FROM commits AS "begin";
COMMENT ON TABLE commits IS 'COMMIT; BEGIN; END;';
PREPARE begin AS SELECT 1;
DEALLOCATE begin;
