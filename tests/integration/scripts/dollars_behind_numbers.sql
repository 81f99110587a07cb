PREPARE numbered (int, text) AS INSERT INTO journal VALUES ('numbered', $2 || $1);
EXECUTE numbered (1, 'a;');
EXECUTE numbered (2, $$b;$$);
DEALLOCATE numbered;
