/* Applying the SQL files of a directory in order, each once, one starter at a time.
 * Not here: what the files say; waiting for the server (wait.h). */
#ifndef DIGITALISM_MIGRATE_H
#define DIGITALISM_MIGRATE_H

#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"

enum migrate_action {
    MIGRATE_UP,
    MIGRATE_STATUS,
    MIGRATE_PLAN,
    MIGRATE_DOWN,
    MIGRATE_BASELINE,
    MIGRATE_VALIDATE,
    MIGRATE_REPAIR,
    MIGRATE_NEW,
    MIGRATE_ACTION_COUNT
};
extern const char *const migrate_action_names[MIGRATE_ACTION_COUNT]; /* as on the command line: "up" */

struct migrate_options {
    const struct db_target *target;
    const char *directory;
    const char *binary_version;
    int64_t connect_timeout_ms;
    int64_t lock_timeout_ms; /* how long to wait for another starter that holds the lock */
};

/* Checks the directory alone: that it can be read and has migrations, and that no number is used twice. -ERR_MIGRATION.
 * Needs no server. */
int migrate_check(const char *directory, struct err *err);

/* Applies what is not yet in `digitalism_migrations`, each file in one transaction with its history row. Logs each
 * file. `applied` gets how many were applied. On -ERR_MIGRATION, -ERR_DATABASE or -ERR_INTERRUPTED the database stands
 * exactly behind the last file that was logged as applied. -ERR_DATABASE is for the connection and the login only.
 * Takes SIGTERM over (stop_open) once it is connected. */
int migrate_up(const struct migrate_options *options, size_t *applied, struct err *err);

#endif
