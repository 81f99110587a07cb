SET LOCAL statement_timeout = '30s';
WITH team AS (INSERT INTO teams (name) VALUES ('L''équipe; n° 1') RETURNING id),
     "user" AS (INSERT INTO users (email) VALUES ('first@example.org') RETURNING id)
INSERT INTO team_members (team_id, user_id, role) SELECT team.id, "user".id, 'owner' FROM team, "user"