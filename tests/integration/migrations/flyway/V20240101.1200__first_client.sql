INSERT INTO client (name, email, kind) VALUES ('Dupont; fils', 'dupont@example.org', 'C');
INSERT INTO invoice (client_id) VALUES (1);
INSERT INTO invoice_line VALUES (1, 1, 1000), (1, 2, 250);
