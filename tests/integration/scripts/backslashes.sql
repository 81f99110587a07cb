-- In a standard string a backslash is a character like others.
INSERT INTO journal VALUES ('backslashes', '\');
INSERT INTO journal VALUES ('backslashes', 'C:\'';');
INSERT INTO journal VALUES ('backslashes', '\\'), ('backslashes', '\n');
