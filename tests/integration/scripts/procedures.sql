CREATE PROCEDURE note(a text) LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO journal VALUES ('procedure', a || ';');
    INSERT INTO journal VALUES ('procedure', CASE a WHEN 'x' THEN 'is x' ELSE 'no x' END);
END;
CALL note('x');
create or replace procedure note_two() begin atomic insert into journal values ('procedure', 'two'); end;
call note_two();
