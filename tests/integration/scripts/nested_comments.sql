/* a /* b /* c; */ ; */ ; */
INSERT INTO journal VALUES ('nested', '1');
/* '; */ INSERT INTO journal VALUES ('nested', '2'); /* "; */
/* $$; */ INSERT INTO journal VALUES ('nested', '3'); /* -- ; */
/* a **/ INSERT INTO journal VALUES ('nested', '4'); /** /* **/ **/
-- /*
INSERT INTO journal VALUES ('nested', '5');
-- */
