INSERT INTO journal VALUES ('json', '{"a;": ["b''", "\\"]}'::jsonb ->> 'a;');
INSERT INTO journal SELECT 'json', j #>> '{a,0}' FROM (VALUES ('{"a": [";"]}'::jsonb)) v (j);
INSERT INTO journal VALUES ('json', (ARRAY['a;', $$'$$, E'\''])[3]);
INSERT INTO journal VALUES ('json', ('{"a": 1}'::jsonb @? '$.a ? (@ > 0)')::text);
