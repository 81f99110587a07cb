CREATE TABLE "of_sqlite3" ("id" TEXT);
