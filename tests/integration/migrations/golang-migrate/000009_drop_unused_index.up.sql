drop index concurrently if exists team_members_user_id;
