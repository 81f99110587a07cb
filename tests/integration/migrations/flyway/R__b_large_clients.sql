CREATE OR REPLACE VIEW large_clients AS SELECT * FROM client_totals WHERE cents > 100000;
