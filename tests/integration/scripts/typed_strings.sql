INSERT INTO journal VALUES ('typed', B'1010'::text), ('typed', X'1F'::text), ('typed', N'a;');
INSERT INTO journal VALUES ('typed', date'2026-01-02'::text), ('typed', interval'1 day'::text);
INSERT INTO journal VALUES ('typed', text'\');
