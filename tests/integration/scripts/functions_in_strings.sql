CREATE FUNCTION quoted() RETURNS text LANGUAGE plpgsql AS '
BEGIN
    RETURN ''a;''''b'';
END;
';
CREATE FUNCTION dollars() RETURNS text LANGUAGE plpgsql AS $body$
DECLARE x text := $$;$$;
BEGIN
    RETURN x || CASE WHEN true THEN 'y' END;
END;
$body$;
INSERT INTO journal VALUES ('functions', quoted()), ('functions', dollars());
