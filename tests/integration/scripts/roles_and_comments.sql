COMMENT ON TABLE journal IS E'It''s; a "table"\n-- with $$ dollars';
COMMENT ON COLUMN journal.value IS $c$; /* '$c$;
REVOKE ALL ON journal FROM PUBLIC; GRANT SELECT ON journal TO PUBLIC;
