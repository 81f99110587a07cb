CREATE FUNCTION warmest(station text) RETURNS numeric STABLE LANGUAGE sql
BEGIN ATOMIC
    SELECT max(celsius) FROM readings JOIN stations ON id = station_id WHERE name = station;
END;
