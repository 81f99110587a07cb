BEGIN;
DROP TRIGGER one_owner ON team_members;
DROP FUNCTION one_owner;
COMMIT;
