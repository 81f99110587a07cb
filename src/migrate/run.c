/* A migration in one transaction, and what both ways of running have in common.
 * Not here: the way without a transaction (alone.c), how errors are shown (report.c). */
#include "migrate/run.h"

#include <string.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "migrate/report.h"

#define ATTEMPTS_MAX         5
#define RETRY_DELAY_FIRST_MS 500
#define RETRY_DELAY_MAX_MS   5000
#define TRANSACTION_ID_SIZE  24

#define TRANSACTION_TIMEOUT_SINCE 170000 /* as libpq counts versions */

/* A migration may have changed any of these. The limits are ours: waiting for a lock stops everybody who queues behind
 * it, while the statement itself may take its time. */
#define SETTINGS_SQL                                                                                                   \
    "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD';"            \
    " SET standard_conforming_strings = on; SET lock_timeout = '5s'; SET statement_timeout = 0;"                       \
    " SET idle_in_transaction_session_timeout = 0"

int migrate_session_settings(struct db *db, struct err *err)
{
    return db_exec(db, SETTINGS_SQL, err);
}

int migrate_session_reset(struct db *db, struct err *err)
{
    int failure =
        db_exec(db, "CLOSE ALL; DEALLOCATE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES; " SETTINGS_SQL, err);
    if (failure != 0) {
        return err_prefix(err, "cannot reset the session");
    }
    /* So that a statement whose starter was killed does not hold the lock until its end. Not every server can do it (it
     * came with PostgreSQL 14, and needs Linux there), and nothing else depends on it. */
    (void) db_exec(db, "SET client_connection_check_interval = '1s'", NULL);
    return 0;
}

bool migrate_connection_failed(const struct err *err)
{
    return err->sqlstate[0] == '\0' || strncmp(err->sqlstate, "08", 2) == 0 || strncmp(err->sqlstate, "57P", 3) == 0;
}

bool migrate_lock_conflict(const struct err *err)
{
    return strcmp(err->sqlstate, "55P03") == 0 || strcmp(err->sqlstate, "40P01") == 0;
}

int migrate_run_tell(struct err *err, const struct migrate_run *run)
{
    if (err->code != ERR_DATABASE) {
        return -(int) err->code;
    }
    (void) err_prefix(err, "%s", run->source->path);
    return migrate_connection_failed(err) ? -(int) err->code : err_recode(err, ERR_MIGRATION);
}

bool migrate_try_again(struct backoff *backoff, int stop_fd, struct err *err)
{
    if (backoff->first_ms == 0) {
        *backoff = (struct backoff){.first_ms = RETRY_DELAY_FIRST_MS, .max_ms = RETRY_DELAY_MAX_MS};
    }
    if (backoff->attempts + 1 >= ATTEMPTS_MAX) {
        return false;
    }
    int64_t delay_ms = backoff_next_ms(backoff);
    size_t line = strcspn(err->message, "\n");
    log_warn("%.*s; attempt %u of %d, trying again in %lld ms", (int) line, err->message, backoff->attempts,
             ATTEMPTS_MAX, (long long) delay_ms);
    return stop_sleep(stop_fd, delay_ms, err) == 0;
}

static int refuse_end(const struct migrate_run *run, const struct migrate_statement *statement, struct err *err)
{
    const char *word = buffer_text(&run->source->text) + statement->word;
    (void) err_set(err, ERR_MIGRATION, "%.*s would end the transaction that a migration runs in",
                   (int) (statement->word_end - statement->word), word);
    err_hint(err,
             "take it out: the file is one transaction already; or write \"-- no-transaction\" at its top, to have "
             "it run statement by statement");
    return migrate_files_place(err, run->source, statement->start);
}

int migrate_run_open(struct migrate_run *out, const struct migrate_store *store, const struct migrate_file *file,
                     enum migrate_direction direction, struct err *err)
{
    struct migrate_run run = {.store = store,
                              .file = file,
                              .direction = direction,
                              .source = direction == MIGRATE_DIRECTION_UP ? &file->up : &file->down,
                              .sql = BUFFER_EMPTY};
    const struct migrate_part *part = &run.source->part;
    size_t offset = 0;
    int failure =
        migrate_script_parse(&run.script, buffer_text(&run.source->text), part->start, part->end, &offset, err);
    if (failure == -(int) ERR_MIGRATION) {
        failure = migrate_files_place(err, run.source, offset);
    }
    if (failure == 0 && !part->no_transaction) {
        migrate_script_unwrap(&run.script);
    }
    run.no_transaction = part->no_transaction || migrate_script_alone(&run.script) != NULL;
    const struct migrate_statement *end = migrate_script_end(&run.script);
    if (failure == 0 && !run.no_transaction && end != NULL) {
        failure = refuse_end(&run, end, err);
    }
    if (failure != 0) {
        migrate_run_done(&run);
        return failure;
    }
    *out = run;
    return 0;
}

void migrate_run_done(struct migrate_run *run)
{
    migrate_script_done(&run->script);
    buffer_done(&run->sql);
}

int migrate_run_statement(struct migrate_run *run, size_t index, struct err *err)
{
    const struct migrate_statement *statement = &run->script.items[index];
    const char *text = buffer_text(&run->source->text);
    struct db_diagnosis diagnosis = {.position = 0};
    if (statement->kind == MIGRATE_STATEMENT_TIMEOUT && db_server_version(run->store->db) < TRANSACTION_TIMEOUT_SINCE) {
        return 0; /* it would switch off what is not there */
    }
    buffer_clear(&run->sql);
    buffer_append(&run->sql, text + statement->start, statement->end - statement->start);
    if (buffer_failed(&run->sql)) {
        return err_set(err, ERR_INTERNAL, "no memory for a statement of %s", run->source->path);
    }
    const char *data = statement->has_data ? text + statement->data_start : NULL;
    int failure = db_exec_statement(run->store->db, run->sql.data, data, statement->data_end - statement->data_start,
                                    &diagnosis, err);
    if (failure != -(int) ERR_DATABASE || migrate_connection_failed(err)) {
        return failure == 0 ? 0 : migrate_run_tell(err, run);
    }
    failure = migrate_report(err, run->source, statement, &diagnosis);
    if (strcmp(err->sqlstate, "2D000") == 0) {
        err_hint(err, "a migration runs in one transaction: take COMMIT and ROLLBACK out of the block, or write "
                      "\"-- no-transaction\" at the top of the file, to have it run statement by statement");
    }
    return failure;
}

/* --- in one transaction --- */

static int begin(const struct migrate_run *run, char id[static TRANSACTION_ID_SIZE], struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int failure = db_exec_rows(run->store->db, &result, "BEGIN; SELECT pg_catalog.txid_current()", err);
    if (failure != 0) {
        return migrate_run_tell(err, run);
    }
    (void) strncpy(id, db_result_text(result, 0, 0), TRANSACTION_ID_SIZE - 1);
    id[TRANSACTION_ID_SIZE - 1] = '\0';
    return 0;
}

static int refuse_escape(const struct migrate_run *run, struct err *err)
{
    (void) err_set(err, ERR_MIGRATION,
                   "%s ended the transaction that it runs in, so a part of it may have been applied",
                   run->source->path);
    err_hint(err, "take BEGIN, COMMIT and ROLLBACK out of the file, and undo by hand what it did");
    return -(int) ERR_MIGRATION;
}

static int run_script(struct migrate_run *run, struct err *err)
{
    for (size_t i = 0; i < run->script.count; i++) {
        int failure = migrate_run_statement(run, i, err);
        if (failure != 0) {
            if (failure == -(int) ERR_MIGRATION && !db_in_transaction(run->store->db)) {
                err_hint(err, "the file had ended its transaction before, so undo by hand what it did, and take COMMIT "
                              "out");
            } else if (failure == -(int) ERR_MIGRATION && err->hint[0] == '\0') {
                err_hint(err, "nothing of this file was %s; correct it and start again",
                         run->direction == MIGRATE_DIRECTION_UP ? "applied" : "undone");
            }
            return failure;
        }
    }
    return db_in_transaction(run->store->db) ? 0 : refuse_escape(run, err);
}

/* The history row, in the transaction with this id; there is none to be found in any other one. */
static int note(const struct migrate_run *run, int64_t duration_ms, const char *transaction, struct err *err)
{
    bool done = false;
    int failure;
    if (run->direction == MIGRATE_DIRECTION_DOWN) {
        failure = migrate_store_remove(run->store, &run->file->version, transaction, &done, err);
    } else {
        const struct migrate_note note = {.file = run->file,
                                          .kind = migrate_file_repeatable(run->file) ? MIGRATE_ROW_REPEATABLE
                                                                                     : MIGRATE_ROW_MIGRATION,
                                          .duration_ms = duration_ms,
                                          .transaction = transaction};
        failure = migrate_store_add(run->store, &note, &done, err);
    }
    if (failure != 0) {
        return migrate_run_tell(err, run);
    }
    return done ? 0 : refuse_escape(run, err);
}

static int run_in_transaction(struct migrate_run *run, int64_t *duration_ms, struct err *err)
{
    int64_t start_ms = clock_now_ms();
    char transaction[TRANSACTION_ID_SIZE];
    int failure = begin(run, transaction, err);
    if (failure == 0) {
        failure = run_script(run, err);
    }
    if (failure != 0) {
        return failure;
    }
    *duration_ms = clock_now_ms() - start_ms;
    /* The script's role and settings must not reach the history row; what it deferred is checked by COMMIT. */
    failure = migrate_session_settings(run->store->db, err);
    if (failure != 0) {
        return migrate_run_tell(err, run);
    }
    failure = note(run, *duration_ms, transaction, err);
    if (failure != 0) {
        return failure;
    }
    failure = db_exec(run->store->db, "COMMIT", err);
    return failure != 0 ? migrate_run_tell(err, run) : 0;
}

static int try_in_transaction(struct migrate_run *run, int64_t *duration_ms, struct err *err)
{
    struct backoff backoff = {.first_ms = 0};
    for (;;) {
        int failure = run_in_transaction(run, duration_ms, err);
        if (failure == 0) {
            return 0;
        }
        bool again = failure == -(int) ERR_MIGRATION && migrate_lock_conflict(err) && db_in_transaction(run->store->db);
        /* Where this fails too the connection is lost, and the server rolls back by itself. */
        (void) db_exec(run->store->db, "ROLLBACK", NULL);
        if (!again || !migrate_try_again(&backoff, run->store->stop_fd, err)) {
            return -(int) err->code;
        }
    }
}

int migrate_run(struct migrate_run *run, struct err *err)
{
    int64_t duration_ms = 0;
    int failure =
        run->no_transaction ? migrate_run_alone(run, &duration_ms, err) : try_in_transaction(run, &duration_ms, err);
    if (failure == 0) {
        log_info("%s %s in %lld ms%s", run->direction == MIGRATE_DIRECTION_UP ? "applied" : "undone", run->file->name,
                 (long long) duration_ms, run->no_transaction ? ", without a transaction" : "");
    }
    return failure;
}
