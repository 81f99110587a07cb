/* The statement of a batch, and filling it.
 * Not here: the ledger's other statements (ledger.c). */
#include "etl/loader.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STATEMENT   "etl_batch"
#define NUMBER_SIZE 24

/* Waiting for the disk at every commit would be most of the time. A commit that waits makes all before it durable as
 * well (PostgreSQL manual, 30.4), and only what such a commit has covered is counted.
 *
 * With the plans of an empty table in mind PostgreSQL would go on to scan the growing one for every batch, so that the
 * session is held to index look-ups; and the penalties of that must not look like a query worth compiling. */
static const char *const session = "SET synchronous_commit = off; "
                                   "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; "
                                   "SET plan_cache_mode = force_generic_plan; SET jit = off";

#define INPUT                                                                                                          \
    "WITH input AS (SELECT * FROM unnest($1::text[], $2::text[], $3::int4[], $4::float8[], $5::float8[]) "             \
    "AS t (name, code_postal, department_id, latitude, longitude)), "

/* The rest of the statement: rejects, then the counts, which are given back too. $12 is the run, $13 the file, $14 to
 * $17 the batch's own counts, $18 tells whether the commit waits for the disk. */
#define OUTCOME                                                                                                        \
    ", refused AS (INSERT INTO digitalism_etl_rejects (run_id, file, record, line, column_name, code, reason, raw) "   \
    "SELECT $12::int8, $13::text, r.* FROM unnest($6::int8[], $7::int8[], $8::text[], $9::text[], $10::text[], "       \
    "$11::text[]) AS r), "                                                                                             \
    "counted AS (SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) FILTER (WHERE NOT inserted) AS "        \
    "updated "                                                                                                         \
    "FROM written) "                                                                                                   \
    "UPDATE digitalism_etl_runs AS run SET rows_read = rows_read + $14::int8, "                                        \
    "rows_inserted = rows_inserted + counted.inserted, rows_updated = rows_updated + counted.updated, "                \
    "rows_unchanged = rows_unchanged + $15::int8 - counted.inserted - counted.updated, "                               \
    "rows_duplicate = rows_duplicate + $16::int8, rows_rejected = rows_rejected + $17::int8 "                          \
    "FROM counted WHERE run.id = $12::int8 "                                                                           \
    "RETURNING counted.inserted, counted.updated, set_config('synchronous_commit', $18::text, true)"

/* Rows that are there already are left out before ON CONFLICT sees them: it would take a number from the sequence for
 * each of them, and lock it. It stays for rows that others insert at the same moment. */
static const char *const statements[] = {
    [ETL_MODE_SKIP] = INPUT
    "written AS (INSERT INTO cities (name, code_postal, department_id, latitude, longitude, created_at, updated_at) "
    "SELECT i.name, i.code_postal, i.department_id, i.latitude, i.longitude, now(), now() FROM input AS i "
    "WHERE NOT EXISTS (SELECT FROM cities AS c WHERE c.name = i.name AND c.code_postal = i.code_postal) "
    "ON CONFLICT (name, code_postal) DO NOTHING RETURNING true AS inserted)" OUTCOME,
    /* A coordinate that the file does not have is no news: it does not erase the one that is there. */
    [ETL_MODE_REPLACE] = INPUT
    "written AS (INSERT INTO cities AS old "
    "(name, code_postal, department_id, latitude, longitude, created_at, updated_at) "
    "SELECT i.name, i.code_postal, i.department_id, i.latitude, i.longitude, now(), now() FROM input AS i "
    "LEFT JOIN cities AS c ON c.name = i.name AND c.code_postal = i.code_postal "
    "WHERE c.id IS NULL OR c.deleted_at IS NOT NULL OR (c.department_id, c.latitude, c.longitude) IS DISTINCT FROM "
    "(i.department_id, coalesce(i.latitude, c.latitude), coalesce(i.longitude, c.longitude)) "
    "ON CONFLICT (name, code_postal) DO UPDATE SET department_id = excluded.department_id, "
    "latitude = coalesce(excluded.latitude, old.latitude), longitude = coalesce(excluded.longitude, old.longitude), "
    "updated_at = now(), deleted_at = NULL "
    "RETURNING xmax = 0 AS inserted)" OUTCOME,
};
static_assert(sizeof(statements) / sizeof(statements[0]) == ETL_MODE_COUNT, "every mode has its statement");

static const enum array_type column_types[] = {
    [LOADER_NAME] = ARRAY_TEXT,          [LOADER_POSTAL_CODE] = ARRAY_TEXT,   [LOADER_DEPARTMENT] = ARRAY_INT4,
    [LOADER_LATITUDE] = ARRAY_FLOAT8,    [LOADER_LONGITUDE] = ARRAY_FLOAT8,   [LOADER_REJECT_RECORD] = ARRAY_INT8,
    [LOADER_REJECT_LINE] = ARRAY_INT8,   [LOADER_REJECT_COLUMN] = ARRAY_TEXT, [LOADER_REJECT_CODE] = ARRAY_TEXT,
    [LOADER_REJECT_REASON] = ARRAY_TEXT, [LOADER_REJECT_RAW] = ARRAY_TEXT,
};
static_assert(sizeof(column_types) / sizeof(column_types[0]) == LOADER_COLUMN_COUNT, "every column has its type");

int loader_departments(struct db *db, struct departments *departments, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int status = db_query(db, &result,
                          "SELECT code_departement, id FROM departments WHERE deleted_at IS NULL "
                          "ORDER BY code_departement COLLATE \"C\"",
                          NULL, 0, err);
    if (status < 0) {
        return err_prefix(err, "cannot read the departments");
    }
    for (size_t row = 0; row < db_result_rows(result) && status == 0; row++) {
        status = departments_append(departments, db_result_text(result, row, 0),
                                    (int32_t) db_result_integer(result, row, 1), err);
    }
    if (status == 0 && departments->count == 0) {
        (void) err_set(err, ERR_ETL, "the table departments has no rows, so that no city can be filed");
        err_hint(err, "the migrations fill it: run digitalism migrate");
        return -(int) ERR_ETL;
    }
    return status;
}

int loader_prepare(struct db *db, enum etl_mode mode, struct err *err)
{
    int status = db_exec(db, session, err);
    return status < 0 ? status : db_prepare(db, STATEMENT, statements[mode], err);
}

static void clear(struct loader *loader)
{
    for (size_t i = 0; i < LOADER_COLUMN_COUNT; i++) {
        array_clear(&loader->columns[i]);
    }
    memset(&loader->batch, 0, sizeof(loader->batch));
}

void loader_open(struct loader *loader, struct db *db, const char *file, int64_t run)
{
    *loader = (struct loader){.db = db, .file = file, .run = run, .text = BUFFER_EMPTY};
    for (size_t i = 0; i < LOADER_COLUMN_COUNT; i++) {
        array_init(&loader->columns[i], column_types[i]);
    }
}

void loader_done(struct loader *loader)
{
    for (size_t i = 0; i < LOADER_COLUMN_COUNT; i++) {
        array_done(&loader->columns[i]);
    }
    buffer_done(&loader->text);
}

static void append_degrees(struct array *array, bool present, double degrees)
{
    if (present) {
        array_append_float8(array, degrees);
    } else {
        array_append_null(array);
    }
}

void loader_append(struct loader *loader, const struct row *row)
{
    struct array *columns = loader->columns;
    array_append_text(&columns[LOADER_NAME], row->name, row->name_length);
    array_append_text(&columns[LOADER_POSTAL_CODE], row->postal_code, COMMUNE_POSTAL_CODE_SIZE - 1);
    array_append_int4(&columns[LOADER_DEPARTMENT], row->department_id);
    append_degrees(&columns[LOADER_LATITUDE], row->has_latitude, row->latitude);
    append_degrees(&columns[LOADER_LONGITUDE], row->has_longitude, row->longitude);
    loader->batch.read += 1;
    loader->batch.without_coordinates += row->has_latitude && row->has_longitude ? 0 : 1;
}

void loader_append_reject(struct loader *loader, const struct reject *reject)
{
    struct array *columns = loader->columns;
    const struct row_reject *why = reject->why;
    buffer_clear(&loader->text);
    reject_append_text(&loader->text, reject->raw.text, reject->raw.length);
    array_append_int8(&columns[LOADER_REJECT_RECORD], (int64_t) reject->record);
    array_append_int8(&columns[LOADER_REJECT_LINE], (int64_t) reject->line);
    array_append_text(&columns[LOADER_REJECT_COLUMN], why->column, strlen(why->column));
    array_append_text(&columns[LOADER_REJECT_CODE], why->code, strlen(why->code));
    array_append_text(&columns[LOADER_REJECT_REASON], why->reason, strlen(why->reason));
    array_append_text(&columns[LOADER_REJECT_RAW], buffer_text(&loader->text), loader->text.length);
    loader->batch.read += 1;
    loader->batch.rejected += 1;
}

void loader_count_duplicate(struct loader *loader)
{
    loader->batch.read += 1;
    loader->batch.duplicate += 1;
}

size_t loader_held(const struct loader *loader)
{
    return loader->columns[LOADER_NAME].count + loader->columns[LOADER_REJECT_RECORD].count;
}

static bool short_of_memory(const struct loader *loader)
{
    bool failed = buffer_failed(&loader->text);
    for (size_t i = 0; i < LOADER_COLUMN_COUNT; i++) {
        failed = failed || buffer_failed(&loader->columns[i].bytes);
    }
    return failed;
}

/* The batch's own numbers as parameters, behind the arrays: run, file, read, rows sent, duplicates, rejects,
 * durability. */
static int send(struct loader *loader, bool durable, struct db_result **result, struct err *err)
{
    const uint64_t numbers[] = {(uint64_t) loader->run, loader->batch.read, loader->columns[LOADER_NAME].count,
                                loader->batch.duplicate, loader->batch.rejected};
    enum { NUMBER_COUNT = sizeof(numbers) / sizeof(numbers[0]) };
    char texts[NUMBER_COUNT][NUMBER_SIZE];
    struct db_value values[LOADER_COLUMN_COUNT + 1 + NUMBER_COUNT + 1];
    int count = 0;
    for (size_t i = 0; i < LOADER_COLUMN_COUNT; i++) {
        values[count++] = array_value(&loader->columns[i]);
    }
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        (void) snprintf(texts[i], sizeof(texts[i]), "%" PRIu64, numbers[i]);
        values[count++] = db_text(texts[i]);
        if (i == 0) {
            values[count++] = db_text(loader->file);
        }
    }
    values[count++] = db_text(durable ? "on" : "off");
    return db_query_prepared(loader->db, result, STATEMENT, values, count, err);
}

int loader_flush(struct loader *loader, bool durable, struct etl_summary *total, struct err *err)
{
    assert(loader->batch.read > 0);
    if (short_of_memory(loader)) {
        return err_set(err, ERR_INTERNAL, "no memory for a batch of %zu rows", loader_held(loader));
    }
    DB_RESULT_AUTO result = NULL;
    int status = send(loader, durable, &result, err);
    if (status < 0) {
        return err_prefix(err, "cannot load the batch behind row %" PRIu64 " of %s", loader->committed, loader->file);
    }
    if (db_result_rows(result) != 1) {
        return err_set(err, ERR_ETL, "row %" PRId64 " of the ledger digitalism_etl_runs has gone", loader->run);
    }
    uint64_t inserted = (uint64_t) db_result_integer(result, 0, 0);
    uint64_t updated = (uint64_t) db_result_integer(result, 0, 1);
    loader->committed += loader->batch.read;
    total->read += loader->batch.read;
    total->inserted += inserted;
    total->updated += updated;
    total->unchanged += loader->columns[LOADER_NAME].count - inserted - updated;
    total->duplicate += loader->batch.duplicate;
    total->rejected += loader->batch.rejected;
    total->without_coordinates += loader->batch.without_coordinates;
    clear(loader);
    return 0;
}
