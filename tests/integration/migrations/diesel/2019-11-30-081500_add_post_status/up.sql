DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'post_status') THEN
        CREATE TYPE post_status AS ENUM ('draft', 'published');
    END IF;
END
$$;

ALTER TABLE posts ADD COLUMN status post_status NOT NULL DEFAULT 'draft';
