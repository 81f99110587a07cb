CREATE TABLE "courier_messages" (
  "id" CHAR(36) NOT NULL PRIMARY KEY,
  "status" INTEGER NOT NULL,
  "body" TEXT NOT NULL
);
ALTER TABLE "courier_messages" ADD COLUMN "recipient" VARCHAR(255) NOT NULL DEFAULT '';
