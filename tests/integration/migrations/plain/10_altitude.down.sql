ALTER TABLE stations DROP COLUMN altitude;
