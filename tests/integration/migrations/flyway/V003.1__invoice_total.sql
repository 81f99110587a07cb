CREATE OR REPLACE FUNCTION invoice_total() RETURNS TRIGGER AS
$body$
BEGIN
    UPDATE invoice SET cents = (SELECT coalesce(sum(cents), 0) FROM invoice_line WHERE invoice_id = NEW.invoice_id)
    WHERE id = NEW.invoice_id;
    RETURN NULL;
END;
$body$
LANGUAGE plpgsql;

CREATE TRIGGER tr_invoice_total AFTER INSERT ON invoice_line FOR EACH ROW EXECUTE FUNCTION invoice_total();
