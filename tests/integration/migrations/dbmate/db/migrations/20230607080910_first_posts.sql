--migrate:up
insert into users (id, name, email) values (1, 'Zoë "the first"', 'zoe@example.org');
insert into posts (id, user_id, title) values (1, 1, 'one; two'), (2, 1, 'it''s -- not a comment');

--migrate:down
delete from posts;
delete from users;
