DROP TABLE "of_sqlite3";
