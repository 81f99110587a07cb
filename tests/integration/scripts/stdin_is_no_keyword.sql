CREATE TABLE stdin (a int);
INSERT INTO stdin VALUES (1);
INSERT INTO journal SELECT 'stdin', a::text FROM stdin;
COPY (SELECT a FROM stdin) TO STDOUT;
INSERT INTO journal VALUES ('stdin', '2');
