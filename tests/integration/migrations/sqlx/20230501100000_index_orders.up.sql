-- no-transaction
CREATE INDEX CONCURRENTLY orders_total ON orders (total) WHERE total > 0;
/* sqlx: split */
CREATE INDEX CONCURRENTLY ON orders (number);
