CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_posts_account ON posts (account_id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_posts_title ON posts (lower(title));
