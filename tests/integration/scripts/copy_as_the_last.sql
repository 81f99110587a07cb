CREATE TABLE copy_as_the_last (a int);
COPY copy_as_the_last FROM stdin;
1
2
\.
