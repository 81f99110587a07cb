SET search_path = pg_catalog, public;
SET application_name = 'a; b';
SET LOCAL work_mem = '64MB';
CREATE TABLE public.set_here (a int);
RESET search_path;
INSERT INTO journal VALUES ('settings', current_setting('application_name'));
SHOW search_path;
