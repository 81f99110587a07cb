CREATE TABLE copy_csv (a int, b text);
copy copy_csv
    from stdin
    with (format csv, header, quote '"', delimiter ';');
a;b
1;"a;""b
c"
2;'--
3;"'; DROP TABLE copy_csv;"
4;\
\.
INSERT INTO journal SELECT 'copy', b FROM copy_csv;
