DO $$
DECLARE
    year int;
BEGIN
    FOR year IN 2025..2026 LOOP
        EXECUTE format('CREATE TABLE readings_%s PARTITION OF readings FOR VALUES FROM (%L) TO (%L)',
                       year, year || '-01-01', year + 1 || '-01-01');
    END LOOP;
END
$$;
