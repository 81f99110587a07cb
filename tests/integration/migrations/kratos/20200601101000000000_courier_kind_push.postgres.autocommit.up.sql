ALTER TYPE "courier_kind" ADD VALUE 'push';
CREATE INDEX "courier_messages_push_idx" ON "courier_messages" ("id") WHERE "kind" = 'push';
