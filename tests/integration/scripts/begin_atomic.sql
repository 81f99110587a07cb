CREATE FUNCTION atomic_one(a int) RETURNS int LANGUAGE sql
BEGIN ATOMIC
    SELECT 1;
    SELECT CASE WHEN a > 1 THEN CASE a WHEN 2 THEN 20 ELSE 30 END ELSE 10 END;
END;
INSERT INTO journal SELECT 'atomic', atomic_one(n)::text FROM generate_series(1, 3) n;
CREATE OR REPLACE FUNCTION atomic_two() RETURNS text LANGUAGE sql BEGIN ATOMIC; SELECT 'end;'; END;
CREATE FUNCTION atomic_three(a int DEFAULT (CASE WHEN true THEN 1 END)) RETURNS int LANGUAGE sql
RETURN CASE WHEN a = 1 THEN 2 END;
INSERT INTO journal VALUES ('atomic', atomic_two()), ('atomic', atomic_three()::text);
