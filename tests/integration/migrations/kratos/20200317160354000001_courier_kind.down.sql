ALTER TABLE "courier_messages" DROP COLUMN "kind";
