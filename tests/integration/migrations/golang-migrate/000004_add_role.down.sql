begin transaction;
alter table team_members drop column role;
drop type team_role;
end;
