CREATE TABLE "sessions" (
"id" CHAR(36) NOT NULL PRIMARY KEY,
"identity_id" CHAR(36) NOT NULL,
"of_all_dialects" INTEGER
);
