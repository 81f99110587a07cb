/* A migration without a transaction: statement by statement, so that a run that was cut off goes on where it was.
 * Not here: running one statement (run.c). */
#include <string.h>
#include <strings.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"
#include "migrate/lexer.h"
#include "migrate/run.h"

#define INDEX_NAME_SIZE 256

/* --- indexes that were left invalid --- */

/* An index's name as PostgreSQL folds it: quoted as it stands, else in small letters. */
static const char *index_name(const struct migrate_run *run, const struct migrate_statement *statement,
                              char out[static INDEX_NAME_SIZE])
{
    const char *name = buffer_text(&run->source->text) + statement->name;
    size_t length = statement->name_end - statement->name;
    size_t used = 0;
    bool quoted = length > 0 && name[0] == '"';
    for (size_t i = quoted ? 1 : 0; i < length - (quoted ? 1 : 0) && used < INDEX_NAME_SIZE - 1; i++) {
        bool is_upper = !quoted && name[i] >= 'A' && name[i] <= 'Z';
        out[used++] = is_upper ? (char) (name[i] - 'A' + 'a') : name[i];
        i += quoted && name[i] == '"' ? 1 : 0;
    }
    out[used] = '\0';
    return length == 0 ? NULL : out;
}

/* Fails where the index that a statement builds is there and INVALID; without a name, where any is. One that somebody
 * else builds just now is none. */
static int refuse_invalid(const struct migrate_run *run, const struct migrate_statement *statement, struct err *err)
{
    char name[INDEX_NAME_SIZE];
    DB_RESULT_AUTO result = NULL;
    const struct db_value values[] = {db_text(index_name(run, statement, name))};
    int failure = db_query(run->store->db, &result,
                           "SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),"
                           " i.indrelid::pg_catalog.regclass FROM pg_catalog.pg_index i"
                           " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'"
                           " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                           " WHERE NOT i.indisvalid AND ($1::text IS NULL OR c.relname = $1::text)"
                           " AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p"
                           " WHERE p.index_relid = i.indexrelid) LIMIT 1",
                           values, 1, err);
    if (failure != 0) {
        return migrate_run_tell(err, run);
    }
    if (db_result_rows(result) == 0) {
        return 0;
    }
    const char *index = db_result_text(result, 0, 0);
    (void) err_set(err, ERR_MIGRATION, "the index %s of the table %s is INVALID: building it failed or was cut off",
                   index, db_result_text(result, 0, 1));
    err_hint(err, "drop it with DROP INDEX CONCURRENTLY %s; and start again: the migration goes on there", index);
    return migrate_files_place(err, run->source, statement->start);
}

/* --- how far it has come --- */

static int hash_done(const struct migrate_run *run, struct migrate_progress *progress, struct err *err)
{
    size_t start = run->source->part.start;
    size_t end = start;
    if (progress->statements > 0) {
        const struct migrate_statement *last = &run->script.items[progress->statements - 1];
        end = last->has_data ? last->data_end : last->end;
    }
    return migrate_sha256(progress->sha256, buffer_text(&run->source->text) + start, end - start, err);
}

static int note_done(const struct migrate_run *run, size_t statements, bool failed, struct err *err)
{
    struct migrate_progress progress = {.statements = statements, .failed = failed};
    int failure = hash_done(run, &progress, err);
    return failure != 0 ? failure : migrate_store_note_progress(run->store, run->file, &progress, err);
}

/* Where to go on: what was done is not done again, and must still stand in the file. */
static int resume(const struct migrate_run *run, struct migrate_progress *progress, struct err *err)
{
    if (run->direction == MIGRATE_DIRECTION_DOWN) {
        *progress = (struct migrate_progress){.exists = false};
        return 0;
    }
    int failure = migrate_store_progress(run->store, run->file, progress, err);
    if (failure != 0) {
        return failure;
    }
    if (!progress->exists) {
        return note_done(run, 0, false, err);
    }
    struct migrate_progress now = {.statements = progress->statements};
    if (progress->statements <= run->script.count) {
        failure = hash_done(run, &now, err);
    }
    if (failure == 0 && strcmp(now.sha256, progress->sha256) != 0) {
        (void) err_set(err, ERR_MIGRATION,
                       "%s was begun without a transaction, and the %zu statements that are done "
                       "have changed since",
                       run->source->path, progress->statements);
        err_hint(err, "restore them, or undo by hand what they did and let the file begin anew with digitalism migrate "
                      "repair");
        return -(int) ERR_MIGRATION;
    }
    if (failure == 0) {
        log_info("%s was begun before, going on behind %zu of its %zu statements", run->file->name,
                 progress->statements, run->script.count);
    }
    return failure;
}

/* --- running --- */

/* What a CREATE or a DROP is told that had been done already when its run was cut off. */
static bool says_done(const struct migrate_run *run, size_t index, const struct err *err)
{
    static const char *const states[][2] = {
        {"create", "42P07"}, /* duplicate_table: an index too */
        {"create", "42710"}, /* duplicate_object */
        {"create", "42P04"}, /* duplicate_database */
        {"drop", "42704"},   /* undefined_object: an index too */
        {"drop", "42P01"},   /* undefined_table */
        {"drop", "3D000"},   /* invalid_catalog_name */
    };
    const char *statement = buffer_text(&run->source->text) + run->script.items[index].start;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strncasecmp(statement, states[i][0], strlen(states[i][0])) == 0 &&
            strcmp(err->sqlstate, states[i][1]) == 0) {
            return true;
        }
    }
    return false;
}

/* Building an index concurrently waits for transactions to end, but nobody queues behind it; and cut off by a limit it
 * would leave an invalid index. */
static int allow_waiting(const struct migrate_run *run, const struct migrate_statement *statement, bool allow,
                         struct err *err)
{
    if (statement->kind != MIGRATE_STATEMENT_INDEX) {
        return 0;
    }
    int failure = db_exec(run->store->db, allow ? "SET lock_timeout = 0" : "SET lock_timeout = '5s'", err);
    return failure != 0 ? migrate_run_tell(err, run) : 0;
}

/* Whether a statement may run in a transaction with the note that it is done, so that no crash can part the two. The
 * words are those of statements that begin, end or need to end transactions themselves. */
static bool can_be_noted_with(const struct migrate_run *run, const struct migrate_statement *statement)
{
    static const char *const words[] = {"begin", "start", "savepoint", "release", "rollback", "call", "do"};
    if (run->direction == MIGRATE_DIRECTION_DOWN || statement->kind != MIGRATE_STATEMENT_OTHER ||
        db_in_transaction(run->store->db)) {
        return false;
    }
    const struct migrate_token first = {.start = statement->word, .length = statement->word_end - statement->word};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (migrate_token_is(buffer_text(&run->source->text), &first, words[i])) {
            return false;
        }
    }
    return true;
}

static int run_with_note(struct migrate_run *run, size_t index, struct err *err)
{
    struct db *db = run->store->db;
    int failure = db_exec(db, "BEGIN", err);
    if (failure != 0) {
        return migrate_run_tell(err, run);
    }
    failure = migrate_run_statement(run, index, err);
    failure = failure == 0 ? note_done(run, index + 1, false, err) : failure;
    if (failure == 0 && db_exec(db, "COMMIT", err) != 0) {
        failure = migrate_run_tell(err, run); /* what the statement deferred is checked now */
    }
    if (failure != 0) {
        (void) db_exec(db, "ROLLBACK", NULL);
    }
    return failure;
}

/* `*noted` tells whether the note was written with it. */
static int try_statement(struct migrate_run *run, size_t index, bool *noted, struct err *err)
{
    struct backoff backoff = {.first_ms = 0};
    const struct migrate_statement *statement = &run->script.items[index];
    int failure = allow_waiting(run, statement, true, err);
    if (failure != 0) {
        return failure;
    }
    *noted = can_be_noted_with(run, statement);
    do {
        failure = *noted ? run_with_note(run, index, err) : migrate_run_statement(run, index, err);
        if (failure == -(int) ERR_MIGRATION && *noted && strcmp(err->sqlstate, "25001") == 0) {
            /* active_sql_transaction: PostgreSQL knows one more that has to stand alone. */
            *noted = false;
            failure = migrate_run_statement(run, index, err);
        }
    } while (failure == -(int) ERR_MIGRATION && migrate_lock_conflict(err) && !db_in_transaction(run->store->db) &&
             migrate_try_again(&backoff, run->store->stop_fd, err));
    if (failure != 0) {
        return -(int) err->code;
    }
    failure = allow_waiting(run, statement, false, err);
    /* CREATE INDEX CONCURRENTLY IF NOT EXISTS is content with an invalid one. */
    return failure == 0 && statement->kind == MIGRATE_STATEMENT_INDEX ? refuse_invalid(run, statement, err) : failure;
}

/* Statement number `index` was refused, behind `done` that stay: notes it, and says what holds now. */
static int refused(const struct migrate_run *run, size_t index, size_t done, struct err *err)
{
    struct err invalid;
    const struct migrate_statement *statement = &run->script.items[index];
    (void) db_exec(run->store->db, "ROLLBACK", NULL);
    (void) migrate_session_settings(run->store->db, NULL);
    if (run->direction == MIGRATE_DIRECTION_UP && note_done(run, done, true, &invalid) != 0) {
        log_err(LOG_LEVEL_WARN, &invalid);
    }
    if (statement->kind == MIGRATE_STATEMENT_INDEX && refuse_invalid(run, statement, &invalid) != 0) {
        err_hint(err, "the index was left INVALID: %s", invalid.hint);
    } else if (run->direction == MIGRATE_DIRECTION_UP) {
        err_hint(err,
                 "the first %zu of its %zu statements are done and stay, because the file runs without a "
                 "transaction; correct it behind them, and start again: it goes on there",
                 done, run->script.count);
    }
    return -(int) err->code;
}

/* One statement. One at which the last run was cut off may find its work done. */
static int run_next(struct migrate_run *run, size_t index, const struct migrate_progress *progress, bool *noted,
                    struct err *err)
{
    *noted = false;
    const struct migrate_statement *statement = &run->script.items[index];
    bool again = progress->exists && index == progress->statements;
    int failure = again && statement->kind == MIGRATE_STATEMENT_INDEX ? refuse_invalid(run, statement, err) : 0;
    if (failure != 0) {
        return failure;
    }
    failure = try_statement(run, index, noted, err);
    if (failure == -(int) ERR_MIGRATION && again && !progress->failed && says_done(run, index, err)) {
        *noted = false;
        log_warn("%.*s; it was done when the last run was cut off, continuing", (int) strcspn(err->message, "\n"),
                 err->message);
        return allow_waiting(run, statement, false, err);
    }
    return failure;
}

static int run_statements(struct migrate_run *run, const struct migrate_progress *progress, struct err *err)
{
    size_t done = progress->statements;
    for (size_t i = done; i < run->script.count; i++) {
        bool noted;
        int failure = run_next(run, i, progress, &noted, err);
        if (failure == -(int) ERR_MIGRATION) {
            return refused(run, i, done, err);
        }
        /* Inside a BEGIN of the file nothing is done before its COMMIT. */
        if (failure == 0 && !db_in_transaction(run->store->db)) {
            done = i + 1;
            failure = noted || run->direction == MIGRATE_DIRECTION_DOWN ? 0 : note_done(run, done, false, err);
        }
        if (failure != 0) {
            return failure;
        }
    }
    return 0;
}

static int finish(const struct migrate_run *run, int64_t duration_ms, struct err *err)
{
    bool done = false;
    struct db *db = run->store->db;
    if (db_in_transaction(db)) {
        (void) db_exec(db, "ROLLBACK", NULL);
        (void) err_set(err, ERR_MIGRATION, "%s leaves a transaction open, which was rolled back", run->source->path);
        err_hint(err, "put a COMMIT behind its BEGIN");
        return -(int) ERR_MIGRATION;
    }
    int failure = migrate_session_settings(db, err);
    failure = failure == 0 ? db_exec(db, "BEGIN", err) : failure;
    if (failure == 0 && run->direction == MIGRATE_DIRECTION_DOWN) {
        failure = migrate_store_remove(run->store, &run->file->version, NULL, &done, err);
    } else if (failure == 0) {
        const struct migrate_note note = {.file = run->file,
                                          .kind = migrate_file_repeatable(run->file) ? MIGRATE_ROW_REPEATABLE
                                                                                     : MIGRATE_ROW_MIGRATION,
                                          .duration_ms = duration_ms};
        failure = migrate_store_add(run->store, &note, &done, err);
        failure = failure == 0 ? migrate_store_forget_progress(run->store, run->file->name, err) : failure;
    }
    failure = failure == 0 ? db_exec(db, "COMMIT", err) : failure;
    return failure != 0 ? migrate_run_tell(err, run) : 0;
}

int migrate_run_alone(struct migrate_run *run, int64_t *duration_ms, struct err *err)
{
    int64_t start_ms = clock_now_ms();
    struct migrate_progress progress;
    int failure = resume(run, &progress, err);
    if (failure == 0) {
        failure = run_statements(run, &progress, err);
    }
    if (failure != 0) {
        return failure;
    }
    *duration_ms = clock_now_ms() - start_ms;
    return finish(run, *duration_ms, err);
}
