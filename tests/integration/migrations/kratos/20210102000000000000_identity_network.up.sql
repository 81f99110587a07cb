ALTER TABLE "identities" ADD COLUMN "nid" CHAR(36);
