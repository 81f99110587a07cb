DO $$
BEGIN
    INSERT INTO journal VALUES ('do', '1');
    IF true THEN
        INSERT INTO journal VALUES ('do', '2; COMMIT;');
    END IF;
END;
$$;
DO LANGUAGE plpgsql 'BEGIN INSERT INTO journal VALUES (''do'', ''3;''); END';
DO $outer$ BEGIN EXECUTE $inner$INSERT INTO journal VALUES ('do', $$4;$$)$inner$; END $outer$;
