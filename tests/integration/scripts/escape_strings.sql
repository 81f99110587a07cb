INSERT INTO journal VALUES ('escape', E'\';');
INSERT INTO journal VALUES ('escape', e'\\');
INSERT INTO journal VALUES ('escape', E'a\\\';''b'';');
INSERT INTO journal VALUES ('escape', E'\n;\t\'');
