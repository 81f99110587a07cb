ALTER TABLE "identities" ADD COLUMN "nid" UUID;
UPDATE "identities" SET "nid" = (SELECT "id" FROM "networks" LIMIT 1);
ALTER TABLE "identities" ALTER COLUMN "nid" SET NOT NULL;
ALTER TABLE "identities" ADD CONSTRAINT "identities_nid_fk_idx" FOREIGN KEY ("nid") REFERENCES "networks" ("id") ON UPDATE RESTRICT ON DELETE CASCADE;
