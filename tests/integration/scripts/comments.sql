-- a; comment 'with a quote
/* another; one' */ INSERT INTO journal VALUES ('comments', /* ; */ '1' -- ; '
); -- behind ; it
--
/**/
/***/
/*/ ; */
INSERT INTO journal VALUES ('comments', '-- no comment'), ('comments', '/* none either');
