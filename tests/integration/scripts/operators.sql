CREATE FUNCTION less(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 - $2';
CREATE OPERATOR *-* (LEFTARG = int, RIGHTARG = int, FUNCTION = less);
CREATE OPERATOR @#@ (LEFTARG = int, RIGHTARG = int, FUNCTION = less);
INSERT INTO journal VALUES ('operators', (5 *-* 3)::text), ('operators', (5 @#@ 4)::text);
INSERT INTO journal VALUES ('operators', (1 - -1)::text), ('operators', (2 * - 1)::text), ('operators', (4/ 2)::text);
INSERT INTO journal VALUES ('operators', (5 *-*/* ; */ 3)::text), ('operators', (1 +-- ; '
 2)::text);
