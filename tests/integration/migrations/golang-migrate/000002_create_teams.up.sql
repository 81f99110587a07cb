-- Teams, and who is in them.
BEGIN;

CREATE TABLE IF NOT EXISTS teams (
    id serial PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE IF NOT EXISTS team_members (
    team_id integer NOT NULL REFERENCES teams ON DELETE CASCADE,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (team_id, user_id)
);

COMMIT;
