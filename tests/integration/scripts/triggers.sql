CREATE TABLE watched (a int);
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO journal VALUES ('trigger', TG_OP || ';' || new.a);
    RETURN new;
END $$;
CREATE TRIGGER watch AFTER INSERT ON watched FOR EACH ROW WHEN (new.a > 1) EXECUTE FUNCTION watch();
INSERT INTO watched VALUES (1), (2);
