-- PostgreSQL cannot take a value out of an enum, so the type is made anew.
ALTER TABLE posts DROP CONSTRAINT posts_archived_have_a_body;
ALTER TABLE posts ALTER COLUMN status DROP DEFAULT;
ALTER TYPE post_status RENAME TO post_status_old;
CREATE TYPE post_status AS ENUM ('draft', 'published');
ALTER TABLE posts ALTER COLUMN status TYPE post_status USING status::text::post_status;
ALTER TABLE posts ALTER COLUMN status SET DEFAULT 'draft';
DROP TYPE post_status_old;
