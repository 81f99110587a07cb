/* Running one migration: script and history row in one transaction, and telling where it failed.
 * Not here: which one is next (plan.c, migrate.c). */
#include <string.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "migrate/internal.h"

#define ATTEMPTS_MAX         5
#define RETRY_DELAY_FIRST_MS 500
#define RETRY_DELAY_MAX_MS   5000

/* A migration may have changed any of these. The limits are ours: waiting for a lock stops everybody who queues behind
 * it, while the statement itself may take its time. */
#define RESET_SQL                                                                                                      \
    "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD';"            \
    " SET standard_conforming_strings = on; SET lock_timeout = '5s'; SET statement_timeout = 0; SET "                  \
    "idle_in_transaction_session_timeout = 0"

int migrate_session_reset(struct db *db, struct err *err)
{
    int failure =
        db_exec(db, "CLOSE ALL; DEALLOCATE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES; " RESET_SQL, err);
    if (failure != 0) {
        return err_prefix(err, "cannot reset the session");
    }
    /* So that a statement whose starter was killed does not hold the lock until its end. Not every server can do it (it
     * came with PostgreSQL 14, and needs Linux there), and nothing else depends on it. */
    (void) db_exec(db, "SET client_connection_check_interval = '1s'", NULL);
    return 0;
}

static int current_transaction(struct db *db, char id[static 24], struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(db, &result, "SELECT pg_catalog.txid_current()", NULL, 0, err);
    if (failure == 0) {
        (void) strncpy(id, db_result_text(result, 0, 0), 23);
        id[23] = '\0';
    }
    return failure;
}

int migrate_apply_check(const struct migrate_file *file, struct err *err)
{
    const char *text = buffer_text(&file->text);
    struct migrate_token found;
    if (!migrate_find_transaction_end(text, file->text.length, &found)) {
        return 0;
    }
    struct migrate_place place;
    migrate_locate(&place, text, file->text.length, migrate_position(text, found.start));
    (void) err_set(err, ERR_MIGRATION, "%s:%zu:%zu: %.*s would end the transaction that a migration runs in",
                   file->name, place.line, place.column, (int) found.length, text + found.start);
    err_hint(err, "take BEGIN, COMMIT and ROLLBACK out of the file: it is one transaction already");
    return -(int) ERR_MIGRATION;
}

/* Whether the connection, not the migration, is what failed. */
static bool connection_failed(const struct err *err)
{
    return err->sqlstate[0] == '\0' || strncmp(err->sqlstate, "08", 2) == 0 || strncmp(err->sqlstate, "57P", 3) == 0;
}

/* Names the file, and where it is known the line and column, in an SQL error. */
static int tell(struct err *err, const struct migrate_file *file, size_t position)
{
    if (err->code != ERR_DATABASE) {
        return -(int) err->code;
    }
    if (connection_failed(err)) {
        return err_prefix(err, "%s", file->name);
    }
    const struct err told = *err;
    struct migrate_place place;
    migrate_locate(&place, buffer_text(&file->text), file->text.length, position);
    if (place.line == 0) {
        (void) err_set(err, ERR_MIGRATION, "%s: %s", file->name, told.message);
    } else {
        (void) err_set(err, ERR_MIGRATION, "%s:%zu:%zu: %s; the line is: %s", file->name, place.line, place.column,
                       told.message, place.source);
    }
    memcpy(err->sqlstate, told.sqlstate, sizeof(err->sqlstate));
    err->transient = told.transient;
    if (strcmp(told.sqlstate, "2D000") == 0) {
        err_hint(err, "a migration runs in one transaction, so take COMMIT and ROLLBACK out of it");
    } else if (told.hint[0] != '\0') {
        err_hint(err, "%s", told.hint);
    } else {
        err_hint(err, "nothing of this file was applied; correct it and start again");
    }
    return -(int) ERR_MIGRATION;
}

static int refuse_escape(const struct migrate_file *file, struct err *err)
{
    (void) err_set(err, ERR_MIGRATION,
                   "%s ended the transaction that it runs in, so a part of it may have been applied", file->name);
    err_hint(err, "take BEGIN, COMMIT and ROLLBACK out of the file, and undo by hand what it did");
    return -(int) ERR_MIGRATION;
}

static int run_script(const struct migrate_store *store, const struct migrate_file *file, struct err *err)
{
    char before[24];
    char after[24];
    int failure = db_exec(store->db, "BEGIN", err);
    if (failure == 0) {
        failure = current_transaction(store->db, before, err);
    }
    if (failure != 0) {
        return tell(err, file, 0);
    }
    size_t position = 0;
    failure = db_exec_script(store->db, buffer_text(&file->text), &position, err);
    if (failure != 0) {
        bool escaped = !db_in_transaction(store->db) && failure == -(int) ERR_DATABASE && !connection_failed(err);
        failure = tell(err, file, position);
        if (escaped) {
            err_hint(err,
                     "the file had ended its transaction before, so undo by hand what it did, and take COMMIT out");
        }
        return failure;
    }
    if (!db_in_transaction(store->db)) {
        return refuse_escape(file, err);
    }
    failure = current_transaction(store->db, after, err);
    if (failure != 0) {
        return tell(err, file, 0);
    }
    return strcmp(before, after) != 0 ? refuse_escape(file, err) : 0;
}

static int run_once(const struct migrate_store *store, const struct migrate_file *file, const char *binary_version,
                    int64_t *duration_ms, struct err *err)
{
    int64_t start_ms = clock_now_ms();
    int failure = run_script(store, file, err);
    if (failure != 0) {
        return failure;
    }
    *duration_ms = clock_now_ms() - start_ms;
    /* The script's role and settings must not reach the history row; what it deferred is checked by COMMIT. */
    failure = db_exec(store->db, RESET_SQL, err);
    if (failure == 0) {
        failure = migrate_store_add(store, file, *duration_ms, binary_version, err);
    }
    if (failure == 0) {
        failure = db_exec(store->db, "COMMIT", err);
    }
    return failure != 0 ? tell(err, file, 0) : 0;
}

static bool lock_conflict(const struct err *err)
{
    return strcmp(err->sqlstate, "55P03") == 0 || strcmp(err->sqlstate, "40P01") == 0;
}

int migrate_apply(const struct migrate_store *store, const struct migrate_file *file, const char *binary_version,
                  struct err *err)
{
    struct backoff backoff = {.first_ms = RETRY_DELAY_FIRST_MS, .max_ms = RETRY_DELAY_MAX_MS};
    for (;;) {
        int64_t duration_ms = 0;
        int failure = run_once(store, file, binary_version, &duration_ms, err);
        if (failure == 0) {
            log_info("applied %s in %lld ms", file->name, (long long) duration_ms);
            return 0;
        }
        bool again = failure == -(int) ERR_MIGRATION && lock_conflict(err) && db_in_transaction(store->db);
        /* Where this fails too the connection is lost, and the server rolls back by itself. */
        (void) db_exec(store->db, "ROLLBACK", NULL);
        if (!again || backoff.attempts + 1 >= ATTEMPTS_MAX) {
            return failure;
        }
        int64_t delay_ms = backoff_next_ms(&backoff);
        log_warn("%s; attempt %u of %d, trying again in %lld ms", err->message, backoff.attempts, ATTEMPTS_MAX,
                 (long long) delay_ms);
        failure = stop_sleep(store->stop_fd, delay_ms, err);
        if (failure != 0) {
            return failure;
        }
    }
}
