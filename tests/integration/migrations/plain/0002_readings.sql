CREATE TABLE readings (
    station_id integer NOT NULL REFERENCES stations,
    taken_at timestamptz NOT NULL,
    celsius numeric(4, 1) NOT NULL,
    fahrenheit numeric GENERATED ALWAYS AS (celsius * 9 / 5 + 32) STORED
) PARTITION BY RANGE (taken_at);
CREATE TABLE readings_2024 PARTITION OF readings FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
