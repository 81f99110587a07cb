-- migrate:up
create type post_state as enum ('draft', 'public');
alter table posts add column state post_state not null default 'draft';

-- migrate:down
alter table posts drop column state;
drop type post_state;
