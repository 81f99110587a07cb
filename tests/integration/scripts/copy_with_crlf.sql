CREATE TABLE copy_with_crlf (a int, b text);
COPY copy_with_crlf FROM stdin;
1	a;
2	b
\.
INSERT INTO journal VALUES ('crlf', 'a
b');
