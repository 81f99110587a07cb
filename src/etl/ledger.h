/* The ledger: a row of `digitalism_etl_runs` for each load of one file, the places of its parts in
 * `digitalism_etl_progress`, and the lock that lets one ETL run at a time.
 * Not here: the counts' growth, which is part of each batch's own statement (statements.h). */
#ifndef ETL_LEDGER_H
#define ETL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/base/sha256.h"
#include "digitalism/db.h"
#include "digitalism/etl.h"

#define LEDGER_PARTS_MAX ETL_JOBS_MAX

/* "skip" and "replace". */
extern const char *const etl_mode_names[ETL_MODE_COUNT];

/* Takes the session's advisory lock, by polling: one that waits inside PostgreSQL would hold a snapshot that gets in
 * the way of others. Logs who holds it. Waits as long as that takes, because a load may take hours; a stop ends the
 * wait with -ERR_INTERRUPTED. The lock ends with the connection. */
int ledger_lock(struct db *db, int stop_fd, struct err *err);

/* What each connection that loads takes as well, shared, so that the holder of the lock finds those that another ETL
 * has left behind. */
int ledger_mark_lane(struct db *db, struct err *err);

/* Ends the loading connections of an ETL that has lost the lock, and waits until they are gone; to be called under the
 * lock. PostgreSQL goes on with what a dead client has sent, as long as that takes, and could write an old value over
 * one of ours. A stop ends the wait with -ERR_INTERRUPTED. */
int ledger_end_left(struct db *db, int stop_fd, struct err *err);

/* Closes the rows of runs that ended without a word; to be called under the lock. */
int ledger_close_dead(struct db *db, struct err *err);

/* What is known of a file before its load. */
struct ledger_file {
    const char *path;
    uint64_t bytes;
    uint64_t records;
    char sha256[SHA256_TEXT_SIZE];      /* of its content */
    char fingerprint[SHA256_TEXT_SIZE]; /* of all that decides what its load does */
};

/* What the ledger knows of a load with a file's fingerprint. */
enum ledger_state {
    LEDGER_NEW,        /* nothing that helps */
    LEDGER_UNFINISHED, /* it was cut off, and can be taken up */
    LEDGER_DONE        /* it was done, and nothing has been written since that it would change */
};
struct ledger_run {
    enum ledger_state state;
    bool is_ours; /* begun or taken up by this process; a run of before it is then not looked for */
    int64_t id;
    size_t part_count;
    uint64_t positions[LEDGER_PARTS_MAX];
    struct etl_counts counts;
    char finished_at[32]; /* UTC, as people read it */
};

/* Looks for the newest run of the file, or where `run` is ours looks at that again. In replace a run is of no use when
 * another one has written behind it, but for those of the files that come later in this run, whose rows it does not
 * touch. */
int ledger_find(struct db *db, struct ledger_run *run, const struct ledger_file *files, size_t count, size_t index,
                enum etl_mode mode, struct err *err);

/* Opens a row with so many parts, or takes an unfinished one up; fills `run` for the loader. */
int ledger_start(struct db *db, struct ledger_run *run, const struct ledger_file *file, enum etl_mode mode,
                 size_t part_count, struct err *err);
int ledger_resume(struct db *db, struct ledger_run *run, const struct ledger_file *file, struct err *err);

/* Keeps a run that is closed from being taken up: what it has loaded is not of the file that it was begun for. */
int ledger_forget_places(struct db *db, int64_t run, struct err *err);

/* Brings the row's counts up to those of its parts, for who looks at a run that goes on. */
int ledger_update(struct db *db, int64_t run, struct err *err);

/* Closes a row by the outcome: NULL, or what ended the run. When it returns 0 the row and all that was committed before
 * are on the disk, and `counts` has the row's. */
int ledger_finish(struct db *db, int64_t run, const struct err *outcome, struct etl_counts *counts, struct err *err);

#endif
