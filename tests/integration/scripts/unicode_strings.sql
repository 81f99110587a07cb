INSERT INTO journal VALUES ('unicode', U&'d\0061t\+000061;');
INSERT INTO journal VALUES ('unicode', U&'d!0061;\' UESCAPE '!');
CREATE TABLE U&"d\0061t;\0061" (U&"b!0061;" UESCAPE '!' int);
INSERT INTO U&"dat;a" VALUES (1);
