-- migrate:up
create table users (
  id integer primary key,
  name varchar(255),
  email varchar(255) not null unique
);

-- migrate:down
drop table users;
