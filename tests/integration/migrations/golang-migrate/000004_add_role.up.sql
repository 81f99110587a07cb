start transaction;
create type team_role as enum ('member', 'owner');
alter table team_members add column role team_role not null default 'member';
commit;
