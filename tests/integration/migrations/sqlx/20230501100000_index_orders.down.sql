-- no-transaction
DROP INDEX CONCURRENTLY orders_number_idx;
DROP INDEX CONCURRENTLY orders_total;
