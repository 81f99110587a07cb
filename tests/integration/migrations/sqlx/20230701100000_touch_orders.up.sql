/* Comments /* may stand; in */ each other; */
ALTER TABLE orders ADD COLUMN touched INT NOT NULL DEFAULT 0;

create or replace function touch_order() returns trigger as
'begin
    new.touched := old.touched + 1; -- it''s counted
    return new;
end;' language plpgsql;

create trigger touch_order before update on orders for each row execute procedure touch_order();
