CREATE INDEX CONCURRENTLY IF NOT EXISTS team_members_user_id ON team_members USING btree (user_id);
