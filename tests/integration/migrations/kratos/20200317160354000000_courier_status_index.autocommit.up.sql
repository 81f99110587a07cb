CREATE INDEX CONCURRENTLY "courier_messages_status_idx" ON "courier_messages" ("status");
