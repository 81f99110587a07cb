INSERT INTO journal VALUES ('casts', '1'::int::text), ('casts', ('{1,2,3}'::int[])[1:2]::text);
CREATE FUNCTION named(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql AS 'SELECT a + b';
INSERT INTO journal VALUES ('casts', named(a := 1)::text), ('casts', named(b => 5, a => 1)::text);
