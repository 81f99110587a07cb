ALTER TABLE stations ADD COLUMN altitude integer;
COMMENT ON COLUMN stations.altitude IS 'metres; NULL where nobody measured';
