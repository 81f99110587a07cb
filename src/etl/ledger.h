/* The ledger `digitalism_etl_runs`: one row for each load of one file; and the lock that lets one ETL run at a time.
 * Not here: the counts' growth, which is part of each batch's own statement (loader.h). */
#ifndef ETL_LEDGER_H
#define ETL_LEDGER_H

#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "digitalism/etl.h"

/* "skip" and "replace". */
extern const char *const etl_mode_names[ETL_MODE_COUNT];

/* Takes the session's advisory lock, by polling: one that waits inside PostgreSQL would hold a snapshot that gets in
 * the way of others. Logs who holds it. Waits as long as that takes, because a load may take hours; a stop ends the
 * wait with -ERR_INTERRUPTED. The lock ends with the connection. */
int ledger_lock(struct db *db, int stop_fd, struct err *err);

/* Closes the rows of runs that ended without a word; to be called under the lock. */
int ledger_close_dead(struct db *db, struct err *err);

/* Opens a row. *run gets its number. */
int ledger_start(struct db *db, int64_t *run, const char *file, uint64_t bytes, const char *sha256, enum etl_mode mode,
                 struct err *err);

/* Closes a row by the outcome: NULL, or what ended the run. When it returns 0 the row and all that was committed before
 * on this connection are on the disk. */
int ledger_finish(struct db *db, int64_t run, const struct err *outcome, struct err *err);

#endif
