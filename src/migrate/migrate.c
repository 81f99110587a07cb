/* The phase from top to bottom: files, connection, lock, history, plan, one file after the other.
 * Not here: each of those steps. */
#include "digitalism/migrate.h"

#include <string.h>

#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "migrate/internal.h"

const char *const migrate_action_names[MIGRATE_ACTION_COUNT] = {
    [MIGRATE_UP] = "up",         [MIGRATE_STATUS] = "status",     [MIGRATE_PLAN] = "plan",
    [MIGRATE_DOWN] = "down",     [MIGRATE_BASELINE] = "baseline", [MIGRATE_VALIDATE] = "validate",
    [MIGRATE_REPAIR] = "repair", [MIGRATE_NEW] = "new",
};

int migrate_check(const char *directory, struct err *err)
{
    MIGRATE_FILES_AUTO files = {.items = NULL, .count = 0};
    return migrate_files_load(&files, directory, true, err);
}

static int apply_all(struct migrate_store *store, const struct migrate_plan *plan,
                     const struct migrate_options *options, struct err *err)
{
    /* All of them first: a later file that cannot be applied is better known before an earlier one is. */
    for (size_t i = 0; i < plan->count; i++) {
        int failure = migrate_apply_check(plan->items[i], err);
        if (failure != 0) {
            return failure;
        }
    }
    if (store->table == NULL) {
        int failure = migrate_store_create(store, err);
        if (failure != 0) {
            return failure;
        }
    }
    for (size_t i = 0; i < plan->count; i++) {
        int failure = migrate_session_reset(store->db, err);
        if (failure == 0) {
            failure = migrate_apply(store, plan->items[i], options->binary_version, err);
        }
        if (failure != 0) {
            return failure;
        }
    }
    return 0;
}

static int up_locked(struct migrate_store *store, const struct migrate_files *files,
                     const struct migrate_options *options, size_t *applied, struct err *err)
{
    int failure = migrate_store_find(store, err);
    if (failure == 0 && store->table == NULL) {
        failure = migrate_store_refuse_foreign(store, err);
    }
    MIGRATE_HISTORY_AUTO history = {.rows = NULL, .count = 0};
    if (failure == 0) {
        failure = migrate_store_read(store, &history, err);
    }
    MIGRATE_PLAN_AUTO plan = {.items = NULL, .count = 0};
    if (failure == 0) {
        failure = migrate_plan_make(&plan, files, &history, err);
    }
    if (failure != 0) {
        return failure;
    }
    if (plan.count == 0) {
        log_info("nothing to apply: %zu migrations are in place", history.count);
    } else {
        failure = apply_all(store, &plan, options, err);
    }
    if (failure == 0) {
        *applied = plan.count;
    }
    return failure;
}

/* What PostgreSQL refuses on a connection that stands is the migration's failure, not the connection's. */
static int recode_refusal(int failure, struct err *err)
{
    if (failure != -(int) ERR_DATABASE || err->sqlstate[0] == '\0' || err->transient) {
        return failure;
    }
    if (strcmp(err->sqlstate, "42501") == 0 && err->hint[0] == '\0') {
        err_hint(err, "migrating needs a user that may create tables and owns those that are there: set DATABASE_USER, "
                      "or GRANT CREATE ON SCHEMA public to this one");
    }
    return err_recode(err, ERR_MIGRATION);
}

int migrate_up(const struct migrate_options *options, size_t *applied, struct err *err)
{
    struct err unwanted = {.code = ERR_NONE};
    err = err == NULL ? &unwanted : err;
    MIGRATE_FILES_AUTO files = {.items = NULL, .count = 0};
    int failure = migrate_files_load(&files, options->directory, false, err);
    if (failure != 0) {
        return failure;
    }
    DB_AUTO db = NULL;
    const struct db_options db_options = {.application_name = "digitalism migrate",
                                          .connect_timeout_ms = options->connect_timeout_ms};
    failure = db_open(&db, options->target, &db_options, err);
    if (failure != 0) {
        return failure;
    }
    FILE_FD_AUTO stop_fd = stop_open(err);
    if (stop_fd < 0) {
        return stop_fd;
    }
    db_interruptible(db, stop_fd);
    MIGRATE_STORE_AUTO store = {.db = db, .table = NULL, .stop_fd = stop_fd};
    failure = migrate_refuse_pooler(db, options->target, stop_fd, err);
    if (failure == 0) {
        failure = migrate_session_reset(db, err);
    }
    if (failure == 0) {
        failure = migrate_lock(db, options->lock_timeout_ms, stop_fd, err);
    }
    if (failure == 0) {
        failure = up_locked(&store, &files, options, applied, err);
    }
    /* After a failure the lock goes with the connection. */
    return failure != 0 ? recode_refusal(failure, err) : migrate_unlock(db, err);
}
