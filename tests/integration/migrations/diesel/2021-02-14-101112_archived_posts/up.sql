ALTER TYPE post_status ADD VALUE IF NOT EXISTS 'archived';

ALTER TABLE posts ADD CONSTRAINT posts_archived_have_a_body CHECK (status <> 'archived' OR body IS NOT NULL);
