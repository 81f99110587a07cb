-- The pieces of one string are of one kind.
INSERT INTO journal VALUES ('pieces', E'a'
  'b\';');
INSERT INTO journal VALUES ('pieces', E'a' -- ' ;
  -- another '
  '\';');
INSERT INTO journal VALUES ('pieces', 'a'
'\');
INSERT INTO journal VALUES ('pieces', 'b;'
-- between ';
'c;');
