ALTER TABLE invoice_line ADD CONSTRAINT pk_invoice_line PRIMARY KEY (invoice_id, position);
