INSERT INTO journal VALUES ('dollar', $$a;'b"c$$);
INSERT INTO journal VALUES ('dollar', $a$ $$ ; $b$ ; $A$ $a$);
INSERT INTO journal VALUES ('dollar', $é_1$;$é_1$), ('dollar', $$$$);
INSERT INTO journal VALUES ('dollar', $x$$y$;$x$);
