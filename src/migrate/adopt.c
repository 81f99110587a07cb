/* From alembic's revision to a baseline of our own.
 * Not here: alembic's table is read, and never written. */
#include "migrate/adopt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "migrate/run.h"

#define REVISIONS_BYTES_MAX ((size_t) 64 * 1024)

/* --- which revision, and what it stands for --- */

static int read_revision(struct migrate_adoption *out, const struct migrate_store *store, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(store->db, &result, "SELECT version_num FROM alembic_version LIMIT 2", NULL, 0, err);
    if (failure != 0) {
        return err_prefix(err, "cannot read alembic's revision");
    }
    if (db_result_rows(result) != 1) {
        (void) err_set(err, ERR_MIGRATION, "the table alembic_version has %s, where one revision is expected",
                       db_result_rows(result) == 0 ? "no row" : "several rows");
        err_hint(err, "bring the database to one revision with alembic first; nothing was changed");
        return -(int) ERR_MIGRATION;
    }
    (void) snprintf(out->revision, sizeof(out->revision), "%s", db_result_text(result, 0, 0));
    return 0;
}

/* Looks a revision up in the text of the file; `known` gets all that it lists. */
static bool find_revision(const char *text, const char *revision, struct migrate_version *version, struct buffer *known)
{
    bool found = false;
    while (*text != '\0') {
        char name[64];
        char number[MIGRATE_VERSION_SIZE];
        size_t line = strcspn(text, "\n");
        if (text[0] != '#' && sscanf(text, "%63[0-9A-Za-z_] %47s", name, number) == 2) {
            buffer_append_format(known, "%s%s", known->length == 0 ? "" : ", ", name);
            found = found || (strcmp(name, revision) == 0 && migrate_version_parse(version, number));
        }
        text += line + (text[line] == '\n' ? 1 : 0);
    }
    return found;
}

static bool has_version(const struct migrate_files *files, const struct migrate_version *version)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->items[i].version.text, version->text) == 0) {
            return true;
        }
    }
    return false;
}

static int look_up(struct migrate_adoption *adoption, const char *directory, const struct migrate_files *files,
                   struct err *err)
{
    BUFFER_AUTO path = BUFFER_EMPTY;
    BUFFER_AUTO text = BUFFER_EMPTY;
    BUFFER_AUTO known = BUFFER_EMPTY;
    buffer_append_format(&path, "%s/" MIGRATE_REVISIONS_FILE, directory);
    /* Without the file no revision is known. */
    (void) file_read(&text, buffer_text(&path), REVISIONS_BYTES_MAX, NULL);
    if (find_revision(buffer_text(&text), adoption->revision, &adoption->version, &known) &&
        has_version(files, &adoption->version)) {
        return 0;
    }
    (void) err_set(err, ERR_MIGRATION,
                   "alembic left the database at its revision %s, for which %s names no migration (it knows: %s)",
                   adoption->revision, buffer_text(&path), known.length == 0 ? "none" : known.data);
    err_hint(err, "bring it to a known revision with alembic; or, when you know what its schema has, say so with "
                  "digitalism migrate baseline VERSION; nothing was changed");
    return -(int) ERR_MIGRATION;
}

int migrate_adopt_find(struct migrate_adoption *out, const struct migrate_store *store, const char *directory,
                       const struct migrate_files *files, struct err *err)
{
    struct migrate_adoption adoption = {.exists = false};
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(store->db, &result,
                           "SELECT relnamespace FROM pg_catalog.pg_class"
                           " WHERE oid = pg_catalog.to_regclass('alembic_version')",
                           NULL, 0, err);
    if (failure != 0) {
        return failure;
    }
    adoption.exists = db_result_rows(result) > 0;
    (void) snprintf(adoption.schema, sizeof(adoption.schema), "%s",
                    adoption.exists ? db_result_text(result, 0, 0) : "");
    failure = adoption.exists ? read_revision(&adoption, store, err) : 0;
    failure = adoption.exists && failure == 0 ? look_up(&adoption, directory, files, err) : failure;
    if (failure == 0) {
        *out = adoption;
    }
    return failure;
}

/* --- whether the schema is what it stands for --- */

static int rehearse(const struct migrate_store *store, const struct migrate_files *files,
                    const struct migrate_version *version, struct err *err)
{
    int failure = 0;
    for (size_t i = 0; i < files->count && failure == 0; i++) {
        const struct migrate_file *file = &files->items[i];
        if (migrate_file_repeatable(file) || migrate_version_compare(&file->version, version) > 0) {
            break;
        }
        MIGRATE_RUN_AUTO run = {.store = NULL};
        failure = migrate_run_open(&run, store, file, MIGRATE_DIRECTION_UP, err);
        for (size_t j = 0; failure == 0 && j < run.script.count; j++) {
            failure = migrate_run_statement(&run, j, err);
        }
    }
    return failure;
}

/* What the rehearsal made and the database does not have, or has otherwise. More than that may be there. */
static int compare(const struct migrate_store *store, const struct migrate_adoption *adoption, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    const struct db_value values[] = {db_text(adoption->schema)};
    int failure =
        db_query(store->db, &result,
                 "WITH columns AS (SELECT c.relnamespace, c.relname, a.attname,"
                 " pg_catalog.format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE ''"
                 " END AS type FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
                 " WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped)"
                 " SELECT e.relname, e.attname, e.type, f.type FROM columns e LEFT JOIN columns f"
                 " ON f.relname = e.relname AND f.attname = e.attname AND f.relnamespace = $1::oid"
                 " WHERE e.relnamespace = pg_catalog.pg_my_temp_schema() AND f.type IS DISTINCT FROM e.type"
                 " ORDER BY e.relname, e.attname LIMIT 1",
                 values, 1, err);
    if (failure != 0 || db_result_rows(result) == 0) {
        return failure;
    }
    (void) err_set(err, ERR_MIGRATION,
                   "alembic's revision %s is not what the database has: the column %s.%s is %s, expected is %s",
                   adoption->revision, db_result_text(result, 0, 0), db_result_text(result, 0, 1),
                   db_result_null(result, 0, 3) ? "missing" : db_result_text(result, 0, 3),
                   db_result_text(result, 0, 2));
    err_hint(err, "mend the schema, or bring the database to its revision with alembic; nothing was changed");
    return -(int) ERR_MIGRATION;
}

int migrate_adopt_verify(const struct migrate_store *store, const struct migrate_files *files,
                         const struct migrate_adoption *adoption, struct err *err)
{
    int failure = db_exec(store->db, "BEGIN; SET LOCAL search_path = pg_temp", err);
    if (failure == 0) {
        failure = rehearse(store, files, &adoption->version, err);
    }
    if (failure == 0) {
        failure = compare(store, adoption, err);
    }
    int broken = db_exec(store->db, "ROLLBACK", failure == 0 ? err : NULL);
    return failure != 0 ? failure : broken;
}

/* --- the baseline --- */

static int add_rows(const struct migrate_store *store, const struct migrate_files *files,
                    const struct migrate_version *version, struct err *err)
{
    for (size_t i = 0; i < files->count; i++) {
        const struct migrate_file *file = &files->items[i];
        if (migrate_file_repeatable(file) || migrate_version_compare(&file->version, version) > 0) {
            break;
        }
        bool done;
        const struct migrate_note note = {.file = file, .kind = MIGRATE_ROW_BASELINE};
        int failure = migrate_store_add(store, &note, &done, err);
        if (failure != 0) {
            return failure;
        }
        log_info("%s is in the database already", file->name);
    }
    return 0;
}

int migrate_adopt_baseline(struct migrate_store *store, const struct migrate_files *files,
                           const struct migrate_version *version, struct err *err)
{
    int failure = db_exec(store->db, "BEGIN", err);
    failure = failure == 0 ? migrate_store_create(store, err) : failure;
    failure = failure == 0 ? add_rows(store, files, version, err) : failure;
    failure = failure == 0 ? db_exec(store->db, "COMMIT", err) : failure;
    if (failure != 0) {
        (void) db_exec(store->db, "ROLLBACK", NULL);
    }
    return failure;
}
