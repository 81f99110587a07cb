CREATE TABLE copy_without_an_end (a int);
COPY copy_without_an_end FROM stdin;
1
2
