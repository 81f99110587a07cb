CREATE TABLE copy_text (a int, b text);
COPY copy_text (a, b) FROM stdin;
1	a;b'
2	-- no comment
3	/* $$ "
4	\N
5	a\\\tb\nc
\.

INSERT INTO journal VALUES ('copy', '1');
COPY copy_text FROM STDIN;
\.
INSERT INTO journal SELECT 'copy', count(*)::text FROM copy_text;
