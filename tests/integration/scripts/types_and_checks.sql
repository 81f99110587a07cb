CREATE TYPE mood AS ENUM ('a;b', 'c''d', '"');
ALTER TYPE mood ADD VALUE ';' BEFORE 'a;b';
CREATE DOMAIN short AS text CHECK (value <> ';' AND value !~ E'^\\(;\\)$');
CREATE TABLE typed (a mood DEFAULT ';', b short DEFAULT $$(;$$, c text GENERATED ALWAYS AS ('a;' || '--') STORED);
INSERT INTO typed DEFAULT VALUES;
