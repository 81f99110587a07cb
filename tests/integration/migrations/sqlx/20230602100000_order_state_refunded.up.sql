-- no-transaction

ALTER TYPE order_state ADD VALUE 'refunded' AFTER 'paid';
CREATE INDEX orders_refunded ON orders (order_id) WHERE state = 'refunded';
