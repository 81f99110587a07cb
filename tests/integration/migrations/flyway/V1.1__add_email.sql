ALTER TABLE client ADD COLUMN email VARCHAR(255);
CREATE UNIQUE INDEX uq_client_email ON client (email);
