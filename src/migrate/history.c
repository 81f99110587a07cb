/* The table digitalism_migrations: finding, creating, reading, adding to it.
 * Not here: what follows from what it says (plan.c). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/internal.h"

/* A bigint holds numbers as well as timestamps; NULL is for files that have no place in the order. */
static const char create_sql[] = "CREATE TABLE digitalism_migrations ("
                                 " name text PRIMARY KEY,"
                                 " version bigint UNIQUE,"
                                 " sha256 text NOT NULL,"
                                 " applied_at timestamptz NOT NULL DEFAULT now(),"
                                 " applied_by text NOT NULL DEFAULT session_user,"
                                 " duration_ms bigint NOT NULL,"
                                 " kind text NOT NULL CHECK (kind IN ('migration', 'baseline', 'repeatable')),"
                                 " binary_version text NOT NULL)";

int migrate_store_find(struct migrate_store *store, struct err *err)
{
    DB_RESULT_AUTO found = NULL;
    int failure = db_query(store->db, &found,
                           "SELECT quote_ident(n.nspname) || '.digitalism_migrations' FROM pg_catalog.pg_class c"
                           " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                           " WHERE c.oid = pg_catalog.to_regclass('digitalism_migrations')",
                           NULL, 0, err);
    if (failure != 0 || db_result_rows(found) == 0) {
        return failure;
    }
    char *table = strdup(db_result_text(found, 0, 0));
    if (table == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the migration history");
    }
    free(store->table);
    store->table = table;
    return 0;
}

int migrate_store_create(struct migrate_store *store, struct err *err)
{
    int failure = db_exec(store->db, create_sql, err);
    if (failure == 0) {
        failure = migrate_store_find(store, err);
    }
    if (failure == 0 && store->table == NULL) {
        failure = err_set(err, ERR_MIGRATION, "the migration history was created, but cannot be found");
    }
    return failure != 0 ? err_prefix(err, "cannot create the migration history") : 0;
}

static int fill_row(struct migrate_row *row, const struct db_result *result, size_t index, struct err *err)
{
    row->version = db_result_integer(result, index, 0);
    row->name = strdup(db_result_text(result, index, 1));
    (void) snprintf(row->sha256, sizeof(row->sha256), "%s", db_result_text(result, index, 2));
    row->binary_version = strdup(db_result_text(result, index, 3));
    return row->name == NULL || row->binary_version == NULL
               ? err_set(err, ERR_INTERNAL, "no memory for the migration history")
               : 0;
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
                         "SELECT version, name, sha256, binary_version FROM %s WHERE version IS NOT NULL"
                         " ORDER BY version",
                         store->table);
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(store->db, &result, buffer_text(&sql), NULL, 0, err);
    if (failure != 0) {
        return err_prefix(err, "cannot read the migration history");
    }
    size_t count = db_result_rows(result);
    history.rows = calloc(count + 1, sizeof(*history.rows));
    if (history.rows == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the migration history");
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

int migrate_store_add(const struct migrate_store *store, const struct migrate_file *file, int64_t duration_ms,
                      const char *binary_version, struct err *err)
{
    char version[24];
    char duration[24];
    (void) snprintf(version, sizeof(version), "%" PRId64, file->version);
    (void) snprintf(duration, sizeof(duration), "%" PRId64, duration_ms);
    BUFFER_AUTO sql = BUFFER_EMPTY;
    buffer_append_format(&sql,
                         "INSERT INTO %s (version, name, sha256, duration_ms, kind, binary_version)"
                         " VALUES ($1, $2, $3, $4, 'migration', $5)",
                         store->table);
    const struct db_value values[] = {db_text(version), db_text(file->name), db_text(file->sha256), db_text(duration),
                                      db_text(binary_version)};
    return db_query(store->db, NULL, buffer_text(&sql), values, sizeof(values) / sizeof(values[0]), err);
}

int migrate_store_refuse_foreign(const struct migrate_store *store, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    /* What an extension brought along is not somebody's data. */
    int failure =
        db_query(store->db, &result,
                 "SELECT c.relname, count(*) OVER () - 1, pg_catalog.to_regclass('alembic_version') IS NOT NULL"
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
    int64_t more = db_result_integer(result, 0, 1);
    bool alembic = db_result_boolean(result, 0, 2);
    (void) err_set(err, ERR_MIGRATION,
                   "the database has no migration history, but it has tables already: %s and %" PRId64 " more",
                   db_result_text(result, 0, 0), more);
    if (alembic) {
        err_hint(err, "its table alembic_version says that alembic migrated it, and this version cannot go on from "
                      "there; name an empty database in DATABASE_URL");
    } else {
        err_hint(err, "name an empty database in DATABASE_URL, or the one that was meant");
    }
    return -(int) ERR_MIGRATION;
}

void migrate_store_done(struct migrate_store *store)
{
    free(store->table);
    store->table = NULL;
}

void migrate_history_done(struct migrate_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        free(history->rows[i].name);
        free(history->rows[i].binary_version);
    }
    free(history->rows);
    *history = (struct migrate_history){.rows = NULL, .count = 0};
}
