/* Running one migration, one way or the other, and its history row with it.
 * Not here: which one is next (plan.h). */
#ifndef MIGRATE_RUN_H
#define MIGRATE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "migrate/files.h"
#include "migrate/history.h"
#include "migrate/script.h"

enum migrate_direction { MIGRATE_DIRECTION_UP, MIGRATE_DIRECTION_DOWN };

/* One direction of a migration, read and ready to be run. */
struct migrate_run {
    const struct migrate_store *store;
    const struct migrate_file *file;
    const struct migrate_source *source;
    enum migrate_direction direction;
    struct migrate_script script;
    bool no_transaction; /* statement by statement, as it asks for or as PostgreSQL demands */
    struct buffer sql;   /* the statement that runs */
};

/* Reads the SQL and refuses what cannot be run: commands of psql, an end of the transaction. Needs no server; `store`
 * may be NULL for that. */
int migrate_run_open(struct migrate_run *out, const struct migrate_store *store, const struct migrate_file *file,
                     enum migrate_direction direction, struct err *err);
void migrate_run_done(struct migrate_run *run);
#define MIGRATE_RUN_AUTO __attribute__((cleanup(migrate_run_done))) struct migrate_run

/* Runs it: in one transaction with its history row, again when it could not get a lock; or statement by statement,
 * noting how far it has come. Logs that it is done. */
int migrate_run(struct migrate_run *run, struct err *err);

/* Runs its statement number `index`, for the files of this part. */
int migrate_run_statement(struct migrate_run *run, size_t index, struct err *err);

/* The way without a transaction (alone.c). */
int migrate_run_alone(struct migrate_run *run, int64_t *duration_ms, struct err *err);

/* Names the file and no place in it. Returns -code. */
int migrate_run_tell(struct err *err, const struct migrate_run *run);

/* Whether the error is that a lock could not be had; whether the connection, not the SQL, has failed. */
bool migrate_lock_conflict(const struct err *err);
bool migrate_connection_failed(const struct err *err);

/* What a session begins with, and gets back between and after scripts: whatever one has set is gone. */
int migrate_session_reset(struct db *db, struct err *err);
int migrate_session_settings(struct db *db, struct err *err);

/* The waits between attempts, shared by both ways. False when it was the last one; else it has logged and slept. */
struct backoff;
bool migrate_try_again(struct backoff *backoff, int stop_fd, struct err *err);

#endif
