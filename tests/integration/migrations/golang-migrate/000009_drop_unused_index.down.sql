create index concurrently if not exists team_members_user_id on team_members using btree (user_id);
