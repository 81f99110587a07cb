BEGIN;

CREATE FUNCTION one_owner() RETURNS trigger AS $$
BEGIN
    IF (SELECT count(*) FROM team_members WHERE team_id = NEW.team_id AND role = 'owner') > 1 THEN
        RAISE EXCEPTION 'team % has an owner already', NEW.team_id;
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;

CREATE CONSTRAINT TRIGGER one_owner AFTER INSERT OR UPDATE ON team_members
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION one_owner();

COMMIT;
-- Nothing but this comes behind it.
