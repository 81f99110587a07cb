CREATE OR REPLACE VIEW client_totals AS
    SELECT client_id, sum(cents) AS cents FROM invoice GROUP BY client_id;
