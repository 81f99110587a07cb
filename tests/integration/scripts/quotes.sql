-- A doubled quote belongs to its string, and so does every semicolon in it.
INSERT INTO journal VALUES ('quotes', 'a;b''c;''');
INSERT INTO journal VALUES ('quotes', ''';''');
INSERT INTO journal VALUES ('quotes', '''');
INSERT INTO journal VALUES ('quotes', '"; -- /* $$');
