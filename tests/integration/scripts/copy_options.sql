CREATE TABLE copy_options (a int, b text);
COPY copy_options FROM stdin (DELIMITER '|', NULL ';') WHERE a > 1; -- from here on data
1|a
2|;
3|\\.x
\.
COPY copy_options (b, a) FROM STDIN WITH CSV; /* old words */
"\.",4
\.
COPY (SELECT * FROM copy_options) TO stdout;
COPY copy_options TO STDOUT;
INSERT INTO journal SELECT 'copy', count(*)::text FROM copy_options;
