CREATE PROCEDURE nothing() BEGIN ATOMIC END;
CALL nothing();
INSERT INTO journal VALUES ('nothing', '1');
