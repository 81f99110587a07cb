CREATE TABLE "a;b""c" ("select" int, "-- x" int, "/*" int, "'" int, "$$" int);
INSERT INTO "a;b""c" ("$$", "'") VALUES (1, 2);
