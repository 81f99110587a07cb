TRUNCATE readings, stations RESTART IDENTITY;
