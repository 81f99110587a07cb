DROP TRIGGER count_posts ON posts;
DROP FUNCTION count_posts();
ALTER TABLE accounts DROP COLUMN post_count;
