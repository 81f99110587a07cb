DROP TABLE readings_2025, readings_2026;
