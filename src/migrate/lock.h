/* One starter at a time.
 * Not here: what is done while the lock is held (migrate.c). */
#ifndef MIGRATE_LOCK_H
#define MIGRATE_LOCK_H

#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"

/* Refuses a connection whose session is not its own: a lock taken there would exclude nobody. -ERR_MIGRATION. */
int migrate_refuse_pooler(struct db *db, const struct db_target *target, int stop_fd, struct err *err);

/* Takes the session's advisory lock, asking again and again until the timeout: a starter that waited inside the server
 * would hold a snapshot, for which CREATE INDEX CONCURRENTLY of the lock's holder would wait in turn. */
int migrate_lock(struct db *db, int64_t timeout_ms, int stop_fd, struct err *err);

/* Gives it back; that it was not held any more is an error. */
int migrate_unlock(struct db *db, struct err *err);

#endif
