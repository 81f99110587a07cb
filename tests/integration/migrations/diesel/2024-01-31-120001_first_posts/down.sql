DELETE FROM posts;
DELETE FROM accounts;
