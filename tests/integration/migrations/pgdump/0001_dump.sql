--
-- PostgreSQL database dump
--

\restrict q3Fh0Jt7TzLxWv5RkY2mNbC8dPaS4uG6eHiXoQlZ1wVyBtMrKjUfDgEcAnOpIs

-- Dumped from database version 17.6
-- Dumped by pg_dump version 17.6

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: shop; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA shop;


--
-- Name: SCHEMA shop; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA shop IS 'what is sold; and to whom';


--
-- Name: kind; Type: TYPE; Schema: shop; Owner: -
--

CREATE TYPE shop.kind AS ENUM (
    'book',
    'record'
);


--
-- Name: price_of(text); Type: FUNCTION; Schema: shop; Owner: -
--

CREATE FUNCTION shop.price_of(wanted text) RETURNS numeric
    LANGUAGE plpgsql STABLE
    AS $_$
DECLARE
    found_price numeric;
BEGIN
    EXECUTE 'SELECT price FROM shop.items WHERE title = $1' INTO found_price USING wanted;
    IF found_price IS NULL THEN
        RAISE NOTICE 'no item named %', wanted; -- the caller's fault; not ours
    END IF;
    RETURN found_price;
END;
$_$;


--
-- Name: twice(numeric); Type: FUNCTION; Schema: shop; Owner: -
--

CREATE FUNCTION shop.twice(price numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE
    RETURN (price * (2)::numeric);


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: items; Type: TABLE; Schema: shop; Owner: -
--

CREATE TABLE shop.items (
    id integer NOT NULL,
    title text NOT NULL,
    kind shop.kind DEFAULT 'book'::shop.kind NOT NULL,
    price numeric(8,2),
    note text,
    CONSTRAINT items_title_check CHECK ((title <> ''::text))
);


--
-- Name: items_id_seq; Type: SEQUENCE; Schema: shop; Owner: -
--

CREATE SEQUENCE shop.items_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: items_id_seq; Type: SEQUENCE OWNED BY; Schema: shop; Owner: -
--

ALTER SEQUENCE shop.items_id_seq OWNED BY shop.items.id;


--
-- Name: nothing; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.nothing (
);


--
-- Name: items id; Type: DEFAULT; Schema: shop; Owner: -
--

ALTER TABLE ONLY shop.items ALTER COLUMN id SET DEFAULT nextval('shop.items_id_seq'::regclass);


--
-- Data for Name: nothing; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.nothing  FROM stdin;
\.


--
-- Data for Name: items; Type: TABLE DATA; Schema: shop; Owner: -
--

COPY shop.items (id, title, kind, price, note) FROM stdin;
1	L'Étranger; roman	book	7.50	\N
2	a tab\tand a line\nbreak	book	\N	\\.
3	back\\slash 'quoted' "twice" $$dollars$$	record	0.00	
4	-- no comment /* nor this	book	1.00	\\restrict x
\.


--
-- Name: items_id_seq; Type: SEQUENCE SET; Schema: shop; Owner: -
--

SELECT pg_catalog.setval('shop.items_id_seq', 4, true);


--
-- Name: items items_pkey; Type: CONSTRAINT; Schema: shop; Owner: -
--

ALTER TABLE ONLY shop.items
    ADD CONSTRAINT items_pkey PRIMARY KEY (id);


--
-- Name: items_title; Type: INDEX; Schema: shop; Owner: -
--

CREATE INDEX items_title ON shop.items USING btree (lower(title));


--
-- PostgreSQL database dump complete
--

\unrestrict q3Fh0Jt7TzLxWv5RkY2mNbC8dPaS4uG6eHiXoQlZ1wVyBtMrKjUfDgEcAnOpIs

