--+goose Up
INSERT INTO accounts (id, username, kind) VALUES
    (1, 'a;b', 'person'), -- a ; is no end
    (1000, 'die ''Gruppe''', 'group');
INSERT INTO notes VALUES (1, 1);

--+goose Down
DELETE FROM notes;
DELETE FROM accounts;
