\restrict dbmate

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);

--
-- Name: posts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.posts (
    id integer NOT NULL
);

CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);

\unrestrict dbmate

INSERT INTO public.schema_migrations (version) VALUES
    ('20230102030405');
