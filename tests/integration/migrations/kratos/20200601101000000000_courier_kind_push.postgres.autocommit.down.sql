DROP INDEX "courier_messages_push_idx";
ALTER TABLE "courier_messages" ALTER COLUMN "kind" DROP DEFAULT;
ALTER TABLE "courier_messages" ALTER COLUMN "kind" TYPE text;
DROP TYPE "courier_kind";
CREATE TYPE "courier_kind" AS ENUM ('mail', 'sms');
ALTER TABLE "courier_messages" ALTER COLUMN "kind" TYPE "courier_kind" USING "kind"::"courier_kind";
ALTER TABLE "courier_messages" ALTER COLUMN "kind" SET DEFAULT 'mail';
