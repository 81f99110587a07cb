INSERT INTO journal VALUES ('plain', '1');
INSERT INTO journal VALUES ('plain', '2')
;
