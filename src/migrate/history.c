/* The two tables of our own: finding, creating, reading, writing.
 * Not here: what follows from what they say (plan.c). */
#include "migrate/history.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_MEMORY "no memory for the migration history"

const char *const migrate_row_kind_names[MIGRATE_ROW_KIND_COUNT] = {
    [MIGRATE_ROW_MIGRATION] = "migration",
    [MIGRATE_ROW_BASELINE] = "baseline",
    [MIGRATE_ROW_REPEATABLE] = "repeatable",
};

/* A numeric holds numbers of any length; NULL is for files that have no place in the order. */
static const char create_sql[] = "CREATE TABLE digitalism_migrations ("
                                 " name text PRIMARY KEY,"
                                 " version numeric UNIQUE,"
                                 " sha256 text NOT NULL,"
                                 " applied_at timestamptz NOT NULL DEFAULT now(),"
                                 " applied_by text NOT NULL DEFAULT session_user,"
                                 " duration_ms bigint NOT NULL,"
                                 " kind text NOT NULL CHECK (kind IN ('migration', 'baseline', 'repeatable')),"
                                 " binary_version text NOT NULL)";

/* A row stands here while a migration that cannot run in a transaction is under way. */
static const char create_unfinished_sql[] = "CREATE TABLE digitalism_migrations_unfinished ("
                                            " name text PRIMARY KEY,"
                                            " statements bigint NOT NULL,"
                                            " sha256 text NOT NULL,"
                                            " failed boolean NOT NULL,"
                                            " changed_at timestamptz NOT NULL DEFAULT now())";

static int copy_text(char **out, const struct db_result *result, size_t row, int column, struct err *err)
{
    if (db_result_null(result, row, column)) {
        return 0;
    }
    char *copy = strdup(db_result_text(result, row, column));
    if (copy == NULL) {
        return err_set(err, ERR_INTERNAL, NO_MEMORY);
    }
    free(*out);
    *out = copy;
    return 0;
}

#define FIND(table)                                                                                                    \
    "(SELECT quote_ident(n.nspname) || '." table "' FROM pg_catalog.pg_class c"                                        \
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = pg_catalog.to_regclass('" table "'))"

int migrate_store_find(struct migrate_store *store, struct err *err)
{
    DB_RESULT_AUTO found = NULL;
    int failure =
        db_query(store->db, &found,
                 "SELECT " FIND("digitalism_migrations") ", " FIND("digitalism_migrations_unfinished"), NULL, 0, err);
    if (failure == 0) {
        failure = copy_text(&store->table, found, 0, 0, err);
    }
    return failure != 0 ? failure : copy_text(&store->unfinished, found, 0, 1, err);
}

void migrate_store_done(struct migrate_store *store)
{
    free(store->table);
    free(store->unfinished);
    store->table = NULL;
    store->unfinished = NULL;
}

int migrate_store_create(struct migrate_store *store, struct err *err)
{
    if (store->table != NULL && store->unfinished != NULL) {
        return 0;
    }
    BUFFER_AUTO sql = BUFFER_EMPTY;
    buffer_append_format(&sql, "%s%s%s", store->table == NULL ? create_sql : "", store->table == NULL ? "; " : "",
                         store->unfinished == NULL ? create_unfinished_sql : "");
    int failure = db_exec(store->db, buffer_text(&sql), err);
    if (failure == 0) {
        failure = migrate_store_find(store, err);
    }
    if (failure == 0 && (store->table == NULL || store->unfinished == NULL)) {
        failure = err_set(err, ERR_MIGRATION, "the migration history was created, but cannot be found");
    }
    return failure != 0 ? err_prefix(err, "cannot create the migration history") : 0;
}

static enum migrate_row_kind kind_of(const char *name)
{
    for (size_t i = 0; i < MIGRATE_ROW_KIND_COUNT; i++) {
        if (strcmp(migrate_row_kind_names[i], name) == 0) {
            return (enum migrate_row_kind) i;
        }
    }
    return MIGRATE_ROW_MIGRATION; /* the table's own constraint knows no other */
}

static int fill_row(struct migrate_row *row, const struct db_result *result, size_t index, struct err *err)
{
    if (!db_result_null(result, index, 0)) {
        migrate_version_from_number(&row->version, db_result_text(result, index, 0));
    }
    row->kind = kind_of(db_result_text(result, index, 4));
    row->duration_ms = db_result_integer(result, index, 7);
    (void) snprintf(row->sha256, sizeof(row->sha256), "%s", db_result_text(result, index, 2));
    row->name = strdup(db_result_text(result, index, 1));
    row->binary_version = strdup(db_result_text(result, index, 3));
    row->applied_at = strdup(db_result_text(result, index, 5));
    row->applied_by = strdup(db_result_text(result, index, 6));
    bool complete =
        row->name != NULL && row->binary_version != NULL && row->applied_at != NULL && row->applied_by != NULL;
    return complete ? 0 : err_set(err, ERR_INTERNAL, NO_MEMORY);
}

int migrate_store_read(const struct migrate_store *store, struct migrate_history *out, struct err *err)
{
    struct migrate_history history = {.rows = NULL, .count = 0};
    if (store->table == NULL) {
        *out = history;
        return 0;
    }
    BUFFER_AUTO sql = BUFFER_EMPTY;
    buffer_append_format(&sql,
                         "SELECT version, name, sha256, binary_version, kind,"
                         " to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), applied_by,"
                         " duration_ms FROM %s ORDER BY version NULLS LAST, name COLLATE \"C\"",
                         store->table);
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(store->db, &result, buffer_text(&sql), NULL, 0, err);
    if (failure != 0) {
        return err_prefix(err, "cannot read the migration history");
    }
    size_t count = db_result_rows(result);
    history.rows = calloc(count + 1, sizeof(*history.rows));
    if (history.rows == NULL) {
        return err_set(err, ERR_INTERNAL, NO_MEMORY);
    }
    for (; history.count < count && failure == 0; history.count++) {
        failure = fill_row(&history.rows[history.count], result, history.count, err);
    }
    if (failure != 0) {
        migrate_history_done(&history);
        return failure;
    }
    *out = history;
    return 0;
}

void migrate_history_done(struct migrate_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        free(history->rows[i].name);
        free(history->rows[i].binary_version);
        free(history->rows[i].applied_at);
        free(history->rows[i].applied_by);
    }
    free(history->rows);
    *history = (struct migrate_history){.rows = NULL, .count = 0};
}

/* Runs a statement whose number of rows tells whether it found what it was for. */
static int change(const struct migrate_store *store, struct buffer *sql, const struct db_value *values, int count,
                  bool *done, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    if (buffer_failed(sql)) {
        return err_set(err, ERR_INTERNAL, NO_MEMORY);
    }
    int failure = db_query(store->db, &result, buffer_text(sql), values, count, err);
    if (failure == 0) {
        *done = db_result_affected(result) > 0;
    }
    return failure;
}

int migrate_store_add(const struct migrate_store *store, const struct migrate_note *note, bool *done, struct err *err)
{
    char version[MIGRATE_VERSION_NUMBER_SIZE];
    char duration[24];
    const struct migrate_file *file = note->file;
    migrate_version_number(version, &file->version);
    (void) snprintf(duration, sizeof(duration), "%" PRId64, note->duration_ms);
    BUFFER_AUTO sql = BUFFER_EMPTY;
    buffer_append_format(&sql,
                         "INSERT INTO %s AS h (version, name, sha256, duration_ms, kind, binary_version)"
                         " SELECT $1::numeric, $2, $3, $4::bigint, $5, $6"
                         " WHERE $7::bigint IS NULL OR $7::bigint = pg_catalog.txid_current()"
                         " ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, applied_at = excluded.applied_at,"
                         " applied_by = excluded.applied_by, duration_ms = excluded.duration_ms,"
                         " binary_version = excluded.binary_version WHERE h.kind = 'repeatable'",
                         store->table);
    const struct db_value values[] = {db_text(migrate_file_repeatable(file) ? NULL : version),
                                      db_text(file->name),
                                      db_text(file->sha256),
                                      db_text(duration),
                                      db_text(migrate_row_kind_names[note->kind]),
                                      db_text(store->binary_version),
                                      db_text(note->transaction)};
    return change(store, &sql, values, sizeof(values) / sizeof(values[0]), done, err);
}

int migrate_store_remove(const struct migrate_store *store, const struct migrate_version *version,
                         const char *transaction, bool *done, struct err *err)
{
    char number[MIGRATE_VERSION_NUMBER_SIZE];
    migrate_version_number(number, version);
    BUFFER_AUTO sql = BUFFER_EMPTY;
    buffer_append_format(&sql,
                         "DELETE FROM %s WHERE version = $1::numeric"
                         " AND ($2::bigint IS NULL OR $2::bigint = pg_catalog.txid_current())",
                         store->table);
    const struct db_value values[] = {db_text(number), db_text(transaction)};
    return change(store, &sql, values, sizeof(values) / sizeof(values[0]), done, err);
}

int migrate_store_accept(const struct migrate_store *store, const struct migrate_row *row,
                         const struct migrate_file *file, struct err *err)
{
    bool done;
    BUFFER_AUTO sql = BUFFER_EMPTY;
    buffer_append_format(&sql, "UPDATE %s SET sha256 = $1, name = $2 WHERE name = $3", store->table);
    const struct db_value values[] = {db_text(file->sha256), db_text(file->name), db_text(row->name)};
    return change(store, &sql, values, sizeof(values) / sizeof(values[0]), &done, err);
}

int migrate_store_unfinished(const struct migrate_store *store, struct buffer *names, struct err *err)
{
    if (store->unfinished == NULL) {
        return 0;
    }
    DB_RESULT_AUTO result = NULL;
    BUFFER_AUTO sql = BUFFER_EMPTY;
    buffer_append_format(&sql, "SELECT name FROM %s", store->unfinished);
    int failure = db_query(store->db, &result, buffer_text(&sql), NULL, 0, err);
    for (size_t i = 0; failure == 0 && i < db_result_rows(result); i++) {
        buffer_append_format(names, "%s\n", db_result_text(result, i, 0));
    }
    return failure == 0 && buffer_failed(names) ? err_set(err, ERR_INTERNAL, NO_MEMORY) : failure;
}

int migrate_store_progress(const struct migrate_store *store, const struct migrate_file *file,
                           struct migrate_progress *out, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    BUFFER_AUTO sql = BUFFER_EMPTY;
    buffer_append_format(&sql, "SELECT statements, sha256, failed FROM %s WHERE name = $1", store->unfinished);
    const struct db_value values[] = {db_text(file->name)};
    int failure = db_query(store->db, &result, buffer_text(&sql), values, 1, err);
    if (failure != 0) {
        return err_prefix(err, "cannot read how far %s has come", file->name);
    }
    *out = (struct migrate_progress){.exists = db_result_rows(result) > 0};
    if (out->exists) {
        out->statements = (size_t) db_result_integer(result, 0, 0);
        (void) snprintf(out->sha256, sizeof(out->sha256), "%s", db_result_text(result, 0, 1));
        out->failed = db_result_boolean(result, 0, 2);
    }
    return 0;
}

int migrate_store_note_progress(const struct migrate_store *store, const struct migrate_file *file,
                                const struct migrate_progress *progress, struct err *err)
{
    bool done;
    char statements[24];
    (void) snprintf(statements, sizeof(statements), "%zu", progress->statements);
    BUFFER_AUTO sql = BUFFER_EMPTY;
    buffer_append_format(&sql,
                         "INSERT INTO %s (name, statements, sha256, failed) VALUES ($1, $2::bigint, $3, $4::boolean)"
                         " ON CONFLICT (name) DO UPDATE SET statements = excluded.statements, sha256 = excluded.sha256,"
                         " failed = excluded.failed, changed_at = excluded.changed_at",
                         store->unfinished);
    const struct db_value values[] = {db_text(file->name), db_text(statements), db_text(progress->sha256),
                                      db_text(progress->failed ? "t" : "f")};
    int failure = change(store, &sql, values, sizeof(values) / sizeof(values[0]), &done, err);
    return failure != 0 ? err_prefix(err, "cannot note how far %s has come", file->name) : 0;
}

int migrate_store_forget_progress(const struct migrate_store *store, const char *name, struct err *err)
{
    bool done;
    BUFFER_AUTO sql = BUFFER_EMPTY;
    buffer_append_format(&sql, "DELETE FROM %s WHERE name = $1", store->unfinished);
    const struct db_value values[] = {db_text(name)};
    return change(store, &sql, values, 1, &done, err);
}

int migrate_store_refuse_foreign(const struct migrate_store *store, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    /* What an extension brought along is not somebody's data. */
    int failure = db_query(store->db, &result,
                           "SELECT c.relname, count(*) OVER () - 1"
                           " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                           " WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
                           " AND c.relname NOT LIKE 'digitalism\\_%'"
                           " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid"
                           " AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'e')"
                           " ORDER BY c.relname LIMIT 1",
                           NULL, 0, err);
    if (failure != 0 || db_result_rows(result) == 0) {
        return failure;
    }
    (void) err_set(err, ERR_MIGRATION,
                   "the database has no migration history, but it has tables already: %s and %" PRId64 " more",
                   db_result_text(result, 0, 0), db_result_integer(result, 0, 1));
    err_hint(err, "name an empty database in DATABASE_URL; or, when these tables are what some of the migrations make, "
                  "say up to which one: digitalism migrate baseline VERSION");
    return -(int) ERR_MIGRATION;
}
