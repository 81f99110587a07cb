-- migrate:up transaction:false
alter type post_state add value 'hidden';
create index posts_hidden on posts (id) where state = 'hidden';

-- migrate:down
drop index posts_hidden;
alter table posts alter column state drop default;
alter table posts alter column state type text;
drop type post_state;
create type post_state as enum ('draft', 'public');
alter table posts alter column state type post_state using state::post_state;
alter table posts alter column state set default 'draft';
