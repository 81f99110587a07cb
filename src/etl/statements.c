/* A batch is one statement: its rows, its rejects, the counts and the place that its part has reached are committed
 * together or not at all.
 * Not here: what the parameters hold (batch.c). */
#include "etl/statements.h"

#include <assert.h>

#define FRESH "etl_batch_fresh"
#define SEEN  "etl_batch"

/* Waiting for the disk at every commit would be most of the time. A commit that waits makes all before it durable as
 * well (PostgreSQL manual, 30.4), and only what such a commit has covered is reported.
 *
 * With the plans of an empty table in mind PostgreSQL would go on to scan the growing one for every batch, so that the
 * session is held to index look-ups; and the penalties of that must not look like a query worth compiling. */
#define SESSION                                                                                                        \
    "SET synchronous_commit = off; "                                                                                   \
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; "                                \
    "SET plan_cache_mode = force_generic_plan; SET jit = off"

#define ROWS                                                                                                           \
    "unnest($1::text[], $2::text[], $3::int4[], $4::float8[], $5::float8[]) "                                          \
    "AS t (name, code_postal, department_id, latitude, longitude)"

/* A batch is taken only where its part stands at the place that the batch begins at: one that comes twice, or behind
 * one that was refused, finds the gate closed, writes nothing and gives no row. The lock makes a batch that a killed
 * load left on its way and its successor's decide one after the other. The main statement asks the gate as well, so
 * that it was looked at before its row changes. */
#define BEGINNING                                                                                                      \
    "WITH gate AS (SELECT 1 FROM digitalism_etl_progress "                                                             \
    "WHERE run_id = $12::int8 AND part = $14::int4 AND position = $15::int8 FOR UPDATE), "                             \
    "input AS (SELECT t.* FROM gate, " ROWS "), "

/* $13 is the file, $16 the place that the batch ends at, $17 to $21 the batch's own counts (rows sent, duplicates,
 * rejects, rows without coordinates; read comes first), $22 tells whether the commit waits for the disk. */
#define ENDING                                                                                                         \
    ", refused AS (INSERT INTO digitalism_etl_rejects (run_id, file, record, line, column_name, code, reason, raw) "   \
    "SELECT $12::int8, $13::text, r.* FROM gate, unnest($6::int8[], $7::int8[], $8::text[], $9::text[], $10::text[], " \
    "$11::text[]) AS r), "                                                                                             \
    "counted AS (SELECT count(*) FILTER (WHERE inserted) AS inserted, "                                                \
    "count(*) FILTER (WHERE NOT inserted) AS updated FROM written) "                                                   \
    "UPDATE digitalism_etl_progress AS p SET position = $16::int8, rows_read = rows_read + $17::int8, "                \
    "rows_inserted = rows_inserted + counted.inserted, rows_updated = rows_updated + counted.updated, "                \
    "rows_unchanged = rows_unchanged + $18::int8 - counted.inserted - counted.updated, "                               \
    "rows_duplicate = rows_duplicate + $19::int8, rows_rejected = rows_rejected + $20::int8, "                         \
    "rows_without_coordinates = rows_without_coordinates + $21::int8 "                                                 \
    "FROM gate, counted WHERE p.run_id = $12::int8 AND p.part = $14::int4 AND p.position = $15::int8 "                 \
    "RETURNING counted.inserted, counted.updated, set_config('synchronous_commit', $22::text, true)"

#define INSERT                                                                                                         \
    "written AS (INSERT INTO cities AS old "                                                                           \
    "(name, code_postal, department_id, latitude, longitude, created_at, updated_at) "                                 \
    "SELECT i.name, i.code_postal, i.department_id, i.latitude, i.longitude, now(), now() FROM input AS i "

/* A coordinate that the file does not have is no news: it does not erase the one that is there. */
#define DIFFERS                                                                                                        \
    "(c.deleted_at IS NOT NULL OR (c.department_id, c.latitude, c.longitude) IS DISTINCT FROM "                        \
    "(i.department_id, coalesce(i.latitude, c.latitude), coalesce(i.longitude, c.longitude)))"
#define FOUND "LEFT JOIN cities AS c ON c.name = i.name AND c.code_postal = i.code_postal "

/* Rows that are there already are left out before ON CONFLICT sees them: it would take a number from the sequence for
 * each of them, and lock it. It stays for rows that others insert at the same moment. Where all rows seem to be new,
 * looking for each of them first, and again on behalf of ON CONFLICT, is a sixth of the time: a row that is there after
 * all refuses the batch, which is then sent by the other statement. */
static const char *const statements[][2] = {
    [ETL_MODE_SKIP] = {BEGINNING INSERT "WHERE NOT EXISTS (SELECT FROM cities AS c WHERE c.name = i.name "
                                        "AND c.code_postal = i.code_postal) "
                                        "ON CONFLICT (name, code_postal) DO NOTHING RETURNING true AS inserted)" ENDING,
                       BEGINNING INSERT "RETURNING true AS inserted)" ENDING},
    [ETL_MODE_REPLACE] = {BEGINNING INSERT FOUND
                          "WHERE c.id IS NULL OR " DIFFERS
                          " ON CONFLICT (name, code_postal) DO UPDATE SET department_id = excluded.department_id, "
                          "latitude = coalesce(excluded.latitude, old.latitude), "
                          "longitude = coalesce(excluded.longitude, old.longitude), "
                          "updated_at = now(), deleted_at = NULL RETURNING xmax = 0 AS inserted)" ENDING,
                          BEGINNING INSERT "RETURNING true AS inserted)" ENDING},
};
static_assert(sizeof(statements) / sizeof(statements[0]) == ETL_MODE_COUNT, "every mode has its statements");

/* What the other statements would do, as far as that can be seen without doing it. */
static const char *const dry_statements[] = {
    [ETL_MODE_SKIP] = "SELECT count(*) FILTER (WHERE c.id IS NULL), 0 FROM " ROWS
                      " LEFT JOIN cities AS c ON c.name = t.name AND c.code_postal = t.code_postal",
    [ETL_MODE_REPLACE] = "SELECT count(*) FILTER (WHERE c.id IS NULL), "
                         "count(*) FILTER (WHERE c.id IS NOT NULL AND " DIFFERS ") "
                         "FROM (SELECT * FROM " ROWS ") AS i " FOUND,
};
static_assert(sizeof(dry_statements) / sizeof(dry_statements[0]) == ETL_MODE_COUNT, "every mode has its statement");

int statements_prepare(struct db *db, enum etl_mode mode, bool is_dry, struct err *err)
{
    int failure = db_exec(db, is_dry ? SESSION "; SET default_transaction_read_only = on" : SESSION, err);
    if (failure == 0) {
        failure = db_prepare(db, SEEN, is_dry ? dry_statements[mode] : statements[mode][0], err);
    }
    if (failure == 0 && !is_dry) {
        failure = db_prepare(db, FRESH, statements[mode][1], err);
    }
    return failure;
}

const char *statements_name(bool is_fresh)
{
    return is_fresh ? FRESH : SEEN;
}
