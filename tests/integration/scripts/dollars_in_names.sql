CREATE TABLE a$b$c (x$ int);
INSERT INTO a$b$c VALUES (1);
INSERT INTO journal SELECT 'a$', x$::text FROM a$b$c;
