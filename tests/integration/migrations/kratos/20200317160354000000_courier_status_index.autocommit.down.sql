DROP INDEX CONCURRENTLY "courier_messages_status_idx";
