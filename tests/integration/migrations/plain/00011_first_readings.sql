INSERT INTO stations (name, altitude) VALUES ('Besançon', 307), ('L''Aigoual', 1567);
COPY readings (station_id, taken_at, celsius) FROM stdin;
1	2024-02-01 12:00:00+00	4.5
2	2024-02-01 12:00:00+00	-3.0
\.
