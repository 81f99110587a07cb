--
-- PostgreSQL database dump
--

\restrict a1B2c3D4

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;

CREATE TABLE public.dumped (
    id integer NOT NULL,
    name text DEFAULT ';'::text
);

COPY public.dumped (id, name) FROM stdin;
1	Haÿ-les-Roses
2	\N
\.

ALTER TABLE ONLY public.dumped ADD CONSTRAINT dumped_pkey PRIMARY KEY (id);

--
-- PostgreSQL database dump complete
--

\unrestrict a1B2c3D4
