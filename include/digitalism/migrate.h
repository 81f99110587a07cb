/* Applying the SQL files of a directory in order, each once, one starter at a time; and what an operator does around
 * it. Not here: what the files say; waiting for the server (wait.h). */
#ifndef DIGITALISM_MIGRATE_H
#define DIGITALISM_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/db.h"

enum migrate_action {
    MIGRATE_UP,       /* apply what is pending */
    MIGRATE_STATUS,   /* report the state of each migration */
    MIGRATE_PLAN,     /* report the SQL that MIGRATE_UP would run */
    MIGRATE_DOWN,     /* undo */
    MIGRATE_BASELINE, /* note migrations as applied without running them */
    MIGRATE_VALIDATE, /* say whether MIGRATE_UP would be refused */
    MIGRATE_REPAIR,   /* accept edited files, forget migrations that were left half done */
    MIGRATE_NEW,      /* make an empty migration; see migrate_create_files() */
    MIGRATE_ACTION_COUNT
};
extern const char *const migrate_action_names[MIGRATE_ACTION_COUNT]; /* as on the command line: "up" */

/* Whether the action only reads and reports. */
bool migrate_action_reports(enum migrate_action action);

struct migrate_options {
    const struct db_target *target;
    const char *directory;
    const char *binary_version;
    int64_t connect_timeout_ms;
    int64_t lock_timeout_ms; /* how long to wait for another starter that holds the lock */
    bool strict;             /* near misses among the files are errors */
    bool out_of_order;       /* new migrations before applied ones are applied */
    bool allow_newer;        /* a database that is newer than the files is left as it is */
    enum migrate_action action;
    const char *to;      /* of up, plan and down: a version, or a file name that begins with it; NULL: none */
    const char *operand; /* of down: how many (NULL: 1); of baseline: the version */
    bool json;           /* status as JSON */
};

struct migrate_outcome {
    size_t changed;       /* migrations that were applied, undone or noted */
    size_t pending;       /* of status: what up would apply */
    struct buffer report; /* of status, plan, validate: what is to be printed; the caller releases it */
};

/* Checks the directory and the operands alone: that migrations can be read, that no number is used twice, that a
 * version is one. -ERR_MIGRATION or -ERR_CONFIG. Needs no server. */
int migrate_check(const struct migrate_options *options, struct err *err);

/* Does what the options say. Applying runs each file that is not yet in `digitalism_migrations` in one transaction with
 * its history row; one that cannot run in a transaction runs statement by statement, and goes on where it was when it
 * was cut off. Logs each file. On -ERR_MIGRATION, -ERR_DATABASE or -ERR_INTERRUPTED the database stands exactly behind
 * the last file that was logged, or behind a statement of one without a transaction. -ERR_DATABASE is for the
 * connection and the login only. Takes SIGTERM over (stop_open) once it is connected. */
int migrate_perform(const struct migrate_options *options, struct migrate_outcome *out, struct err *err);

/* Makes the files of an empty migration with the next number, in the directory's own style, and reports their names.
 * Overwrites nothing. -ERR_CONFIG for a title that will not do, -ERR_MIGRATION where they cannot be made. */
int migrate_create_files(const char *directory, const char *title, struct buffer *report, struct err *err);

#endif
