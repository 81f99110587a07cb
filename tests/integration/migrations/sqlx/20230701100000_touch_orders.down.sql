DROP TRIGGER touch_order ON orders;
DROP FUNCTION touch_order;
ALTER TABLE orders DROP COLUMN touched;
