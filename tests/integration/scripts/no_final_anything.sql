INSERT INTO journal VALUES ('final', '1');
INSERT INTO journal VALUES ('final', '2') -- a comment