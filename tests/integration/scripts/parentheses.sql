INSERT INTO journal VALUES ('parentheses', '('), ('parentheses', ')');
INSERT INTO journal VALUES ('parentheses', "substring"('a(;)b', ((2)), (3)));
INSERT INTO journal SELECT 'parentheses', $$($$ FROM (SELECT 1) "(" WHERE ((true));
