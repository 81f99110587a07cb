ALTER TABLE "identities" DROP CONSTRAINT "identities_nid_fk_idx";ALTER TABLE "identities" DROP COLUMN "nid";
