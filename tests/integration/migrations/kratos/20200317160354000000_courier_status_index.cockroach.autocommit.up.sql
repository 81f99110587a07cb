CREATE INDEX "courier_messages_of_cockroach" ON "courier_messages" ("status") STORING ("body");
