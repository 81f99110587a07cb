CREATE TYPE "courier_kind" AS ENUM ('mail', 'sms');
ALTER TABLE "courier_messages" ADD COLUMN "kind" "courier_kind" NOT NULL DEFAULT 'mail';
