SET LOCAL session_replication_role = replica; -- without the triggers
INSERT INTO accounts (login, email, created_at, updated_at, post_count)
VALUES ('o''hara', 'o@example.org', '2024-01-31', '2024-01-31', 2); /* one; two */
INSERT INTO posts (account_id, title, body, status) VALUES
  (1, 'a ; is no end -- nor this a comment', E'it\'s\n', 'published'),
  (1, $$dollars; 'and' quotes$$, 'été', 'archived');
