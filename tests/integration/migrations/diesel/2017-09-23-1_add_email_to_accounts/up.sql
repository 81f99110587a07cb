ALTER TABLE accounts ADD COLUMN email VARCHAR;
ALTER TABLE accounts ADD CONSTRAINT accounts_email_at CHECK (email LIKE '%@%');
