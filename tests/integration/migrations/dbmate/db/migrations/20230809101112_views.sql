-- migrate:up
create materialized view user_posts as
  select users.id, count(posts.id) as posts from users left join posts on posts.user_id = users.id group by users.id;
create unique index user_posts_id on user_posts (id);

-- migrate:down
drop materialized view user_posts;