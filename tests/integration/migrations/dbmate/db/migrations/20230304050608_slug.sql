-- migrate:up
create function slug(title text) returns text as $function$
begin
  return lower(regexp_replace(title, '[^[:alnum:]]+', '-', 'g'));
end;
$function$ language plpgsql immutable;

alter table posts add column slug text generated always as (slug(title)) stored;

-- migrate:down
alter table posts drop column slug;
drop function slug(text);
