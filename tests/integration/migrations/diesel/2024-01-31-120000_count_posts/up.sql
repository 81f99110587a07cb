ALTER TABLE accounts ADD COLUMN post_count INTEGER NOT NULL DEFAULT 0;

CREATE FUNCTION count_posts() RETURNS trigger LANGUAGE plpgsql AS $count$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE accounts SET post_count = post_count + 1 WHERE id = NEW.account_id;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE accounts SET post_count = post_count - 1 WHERE id = OLD.account_id;
    END IF;
    RETURN NULL;
END
$count$;

CREATE TRIGGER count_posts AFTER INSERT OR DELETE ON posts FOR EACH ROW EXECUTE FUNCTION count_posts()