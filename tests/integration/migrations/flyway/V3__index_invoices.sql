CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_invoice_client ON invoice (client_id);
