ALTER TABLE "courier_messages" DROP COLUMN "kind";
DROP TYPE "courier_kind";
