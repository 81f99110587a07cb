CREATE TABLE ruled (a int);
CREATE RULE several AS ON INSERT TO ruled DO ALSO (
    INSERT INTO journal VALUES ('rule', 'one;' || new.a);
    INSERT INTO journal VALUES ('rule', (SELECT (';)')));
);
INSERT INTO ruled VALUES (1);
CREATE RULE nothing AS ON DELETE TO ruled DO INSTEAD NOTHING;
DELETE FROM ruled;
