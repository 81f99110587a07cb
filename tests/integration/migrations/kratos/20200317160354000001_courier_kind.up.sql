ALTER TABLE "courier_messages" ADD COLUMN "kind" VARCHAR(16);
