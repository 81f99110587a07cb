ALTER TABLE customers ADD COLUMN phone TEXT CHECK (phone ~ '^\+[0-9]+$');
