WITH a (x) AS (SELECT ';' UNION ALL SELECT ')'), b AS (INSERT INTO journal SELECT 'with', x FROM a RETURNING value)
INSERT INTO journal SELECT 'with', value || '(' FROM b;
INSERT INTO journal VALUES ('with', '1') RETURNING ';' AS ";";
