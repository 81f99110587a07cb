-- a
INSERT INTO journal
VALUES ('crlf', 'x'); -- b
/* c
*/
INSERT INTO journal VALUES ('crlf', E'a'
'b\';');
