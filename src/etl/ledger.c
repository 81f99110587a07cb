/* The ledger's statements and the advisory lock.
 * Not here: the table itself (migrations/0004_etl_runs.sql). */
#include "etl/ledger.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"

#define LOCK_POLL_MS 200
#define LOCK_TELL_MS 30000
#define NUMBER_SIZE  24
/* The lock's two keys: "digi" and "etl" in ASCII. */
#define LOCK_CLASS  "1684629353"
#define LOCK_OBJECT "6649964"
/* That of the connections that load: "lane". */
#define LANE_OBJECT  "1818324581"
#define LEFT_POLL_MS 50

const char *const etl_mode_names[] = {[ETL_MODE_SKIP] = "skip", [ETL_MODE_REPLACE] = "replace"};
static_assert(sizeof(etl_mode_names) / sizeof(etl_mode_names[0]) == ETL_MODE_COUNT, "every mode has a name");

/* Two statements, because looking at pg_locks takes longer than all else, and is seldom needed. */
static int try_lock(struct db *db, bool *taken, int64_t *holder, struct err *err)
{
    DB_RESULT_AUTO locked = NULL;
    DB_RESULT_AUTO found = NULL;
    int status = db_query(db, &locked, "SELECT pg_try_advisory_lock(" LOCK_CLASS ", " LOCK_OBJECT ")", NULL, 0, err);
    if (status < 0 || db_result_boolean(locked, 0, 0)) {
        *taken = status == 0;
        return status;
    }
    status = db_query(db, &found,
                      "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
                      "AND classid = " LOCK_CLASS " AND objid = " LOCK_OBJECT " AND database = "
                      "(SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1",
                      NULL, 0, err);
    *taken = false;
    *holder = status == 0 && db_result_rows(found) > 0 ? db_result_integer(found, 0, 0) : 0;
    return status;
}

int ledger_lock(struct db *db, int stop_fd, struct err *err)
{
    int64_t started_ms = clock_now_ms();
    int64_t tell_ms = started_ms;
    int64_t told = -1;
    for (;;) {
        bool taken = false;
        int64_t holder = 0;
        int status = try_lock(db, &taken, &holder, err);
        if (status < 0) {
            return err_prefix(err, "cannot take the lock of the ETL");
        }
        if (taken) {
            if (told >= 0) {
                log_info("the other ETL has ended, going on after %" PRId64 " ms", clock_now_ms() - started_ms);
            }
            return 0;
        }
        /* 0: it went away between the two looks. */
        if (holder != 0 && (holder != told || clock_remaining_ms(tell_ms) == 0)) {
            log_info("waiting for another ETL on this database to end (PostgreSQL process %" PRId64 ")", holder);
            told = holder;
            tell_ms = clock_now_ms() + LOCK_TELL_MS;
        }
        status = stop_sleep(stop_fd, LOCK_POLL_MS, err);
        if (status < 0) {
            return status;
        }
    }
}

int ledger_mark_lane(struct db *db, struct err *err)
{
    return db_exec(db, "SELECT pg_advisory_lock_shared(" LOCK_CLASS ", " LANE_OBJECT ")", err);
}

/* Whether no connection that loads is there: then the lock is to be had for a moment. */
static int is_alone(struct db *db, bool *alone, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(db, &result,
                           "SELECT CASE WHEN pg_try_advisory_lock(" LOCK_CLASS ", " LANE_OBJECT ") "
                           "THEN pg_advisory_unlock(" LOCK_CLASS ", " LANE_OBJECT ") ELSE false END",
                           NULL, 0, err);
    *alone = failure == 0 && db_result_boolean(result, 0, 0);
    return failure;
}

int ledger_end_left(struct db *db, int stop_fd, struct err *err)
{
    /* Those of another role can only be waited for. */
    static const char sql[] =
        "SELECT CASE WHEN a.usename = current_user THEN pg_terminate_backend(a.pid) END FROM pg_locks AS l "
        "JOIN pg_stat_activity AS a USING (pid) WHERE l.locktype = 'advisory' AND l.objsubid = 2 "
        "AND l.classid = " LOCK_CLASS " AND l.objid = " LANE_OBJECT " AND l.database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())";
    bool alone = false;
    int failed = is_alone(db, &alone, err);
    if (failed < 0 || alone) {
        return failed;
    }
    bool is_told = false;
    for (;;) {
        DB_RESULT_AUTO left = NULL;
        int failure = db_query(db, &left, sql, NULL, 0, err);
        if (failure < 0) {
            return err_prefix(err, "cannot end what another ETL has left behind");
        }
        if (db_result_rows(left) == 0) {
            return 0;
        }
        if (!is_told) {
            log_info("ending %zu loading connections that another ETL has left behind", db_result_rows(left));
            is_told = true;
        }
        failure = stop_sleep(stop_fd, LEFT_POLL_MS, err);
        if (failure < 0) {
            return failure;
        }
    }
}

#define COUNTS                                                                                                         \
    "rows_read, rows_inserted, rows_updated, rows_unchanged, rows_duplicate, rows_rejected, rows_without_coordinates"
#define SUMS                                                                                                           \
    "sum(rows_read)::int8 AS rows_read, sum(rows_inserted)::int8 AS rows_inserted, "                                   \
    "sum(rows_updated)::int8 AS rows_updated, sum(rows_unchanged)::int8 AS rows_unchanged, "                           \
    "sum(rows_duplicate)::int8 AS rows_duplicate, sum(rows_rejected)::int8 AS rows_rejected, "                         \
    "sum(rows_without_coordinates)::int8 AS rows_without_coordinates, min(position) AS position "                      \
    "FROM digitalism_etl_progress "
/* The row's counts from those of its parts. A row of before there were parts keeps what it has. */
#define SET_COUNTS                                                                                                     \
    "rows_read = p.rows_read, rows_inserted = p.rows_inserted, rows_updated = p.rows_updated, "                        \
    "rows_unchanged = p.rows_unchanged, rows_duplicate = p.rows_duplicate, rows_rejected = p.rows_rejected, "          \
    "rows_without_coordinates = p.rows_without_coordinates"

int ledger_close_dead(struct db *db, struct err *err)
{
    /* Mostly there is none, which costs less to see than to change nothing. */
    DB_RESULT_AUTO found = NULL;
    int failure = db_query(db, &found,
                           "SELECT EXISTS (SELECT FROM digitalism_etl_progress) "
                           "OR EXISTS (SELECT FROM digitalism_etl_runs WHERE state = 'running')",
                           NULL, 0, err);
    if (failure < 0 || !db_result_boolean(found, 0, 0)) {
        return failure;
    }
    return db_exec(db,
                   "UPDATE digitalism_etl_runs AS r SET " SET_COUNTS ", position = p.position "
                   "FROM (SELECT run_id, " SUMS "GROUP BY run_id) AS p "
                   "WHERE p.run_id = r.id AND (r.state = 'running' OR r.rows_read <> p.rows_read); "
                   "UPDATE digitalism_etl_runs SET state = 'interrupted', finished_at = now(), "
                   "error = 'ended without a word' WHERE state = 'running'",
                   err);
}

static void read_counts(struct etl_counts *counts, const struct db_result *result, size_t row, int column)
{
    *counts = (struct etl_counts){.read = (uint64_t) db_result_integer(result, row, column),
                                  .inserted = (uint64_t) db_result_integer(result, row, column + 1),
                                  .updated = (uint64_t) db_result_integer(result, row, column + 2),
                                  .unchanged = (uint64_t) db_result_integer(result, row, column + 3),
                                  .duplicate = (uint64_t) db_result_integer(result, row, column + 4),
                                  .rejected = (uint64_t) db_result_integer(result, row, column + 5),
                                  .without_coordinates = (uint64_t) db_result_integer(result, row, column + 6)};
}

int ledger_find(struct db *db, struct ledger_run *run, const struct ledger_file *files, size_t count, size_t index,
                enum etl_mode mode, struct err *err)
{
    BUFFER_AUTO later = BUFFER_EMPTY;
    buffer_append_text(&later, "{");
    for (size_t i = index + 1; i < count; i++) {
        buffer_append_format(&later, "%s%s", i == index + 1 ? "" : ",", files[i].fingerprint);
    }
    buffer_append_text(&later, "}");
    char least[NUMBER_SIZE];
    (void) snprintf(least, sizeof(least), "%" PRId64, run->is_ours ? run->id : 0);
    const struct db_value values[] = {db_text(files[index].fingerprint), db_text(etl_mode_names[mode]),
                                      db_text(buffer_text(&later)), db_text(least)};
    DB_RESULT_AUTO result = NULL;
    int failure = buffer_failed(&later) ? err_set(err, ERR_INTERNAL, "no memory for a query") : 0;
    if (failure == 0) {
        failure = db_query(db, &result,
                           "SELECT id, state = 'done', to_char(finished_at AT TIME ZONE 'UTC', "
                           "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), " COUNTS " FROM digitalism_etl_runs AS r "
                           "WHERE fingerprint = $1 AND mode = $2 AND id >= $4::int8 "
                           "AND (state = 'done' OR EXISTS (SELECT FROM digitalism_etl_progress AS p WHERE p.run_id = "
                           "r.id)) "
                           /* Who has emptied the table wants its rows again. */
                           "AND (rows_inserted + rows_updated + rows_unchanged = 0 OR EXISTS (SELECT FROM cities)) "
                           "AND ($2 = 'skip' OR NOT EXISTS ("
                           "SELECT FROM digitalism_etl_runs AS w WHERE w.id > r.id "
                           "AND w.rows_inserted + w.rows_updated > 0 AND w.fingerprint IS DISTINCT FROM r.fingerprint "
                           "AND NOT coalesce(w.fingerprint = ANY ($3::text[]), false))) "
                           "ORDER BY state = 'done' DESC, id DESC LIMIT 1",
                           values, sizeof(values) / sizeof(values[0]), err);
    }
    if (failure < 0) {
        return err_prefix(err, "cannot read the ledger");
    }
    *run = (struct ledger_run){.state = LEDGER_NEW, .is_ours = run->is_ours};
    if (db_result_rows(result) > 0) {
        run->state = db_result_boolean(result, 0, 1) ? LEDGER_DONE : LEDGER_UNFINISHED;
        run->id = db_result_integer(result, 0, 0);
        (void) snprintf(run->finished_at, sizeof(run->finished_at), "%s", db_result_text(result, 0, 2));
        read_counts(&run->counts, result, 0, 3);
    }
    return 0;
}

int ledger_start(struct db *db, struct ledger_run *run, const struct ledger_file *file, enum etl_mode mode,
                 size_t part_count, struct err *err)
{
    char bytes[NUMBER_SIZE];
    char records[NUMBER_SIZE];
    char parts[NUMBER_SIZE];
    (void) snprintf(bytes, sizeof(bytes), "%" PRIu64, file->bytes);
    (void) snprintf(records, sizeof(records), "%" PRIu64, file->records);
    (void) snprintf(parts, sizeof(parts), "%zu", part_count);
    const struct db_value values[] = {
        db_text(file->path),        db_text(bytes),   db_text(file->sha256), db_text(etl_mode_names[mode]),
        db_text(file->fingerprint), db_text(records), db_text(parts)};
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(db, &result,
                           "WITH run AS (INSERT INTO digitalism_etl_runs "
                           "(file, file_bytes, file_sha256, mode, fingerprint, records) "
                           "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id), "
                           "parts AS (INSERT INTO digitalism_etl_progress (run_id, part) "
                           "SELECT id, part FROM run, generate_series(0, $7::int4 - 1) AS part) "
                           "SELECT id FROM run",
                           values, sizeof(values) / sizeof(values[0]), err);
    if (failure < 0) {
        return err_prefix(err, "cannot open the ledger's row");
    }
    *run = (struct ledger_run){
        .state = LEDGER_NEW, .is_ours = true, .id = db_result_integer(result, 0, 0), .part_count = part_count};
    return 0;
}

int ledger_resume(struct db *db, struct ledger_run *run, const struct ledger_file *file, struct err *err)
{
    char id[NUMBER_SIZE];
    (void) snprintf(id, sizeof(id), "%" PRId64, run->id);
    /* The same content may have got another name. */
    const struct db_value values[] = {db_text(id), db_text(file->path)};
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(db, NULL,
                           "UPDATE digitalism_etl_runs SET state = 'running', finished_at = NULL, error = NULL, "
                           "resumed = resumed + 1, file = $2 WHERE id = $1",
                           values, 2, err);
    if (failure == 0) {
        failure =
            db_query(db, &result, "SELECT part, position FROM digitalism_etl_progress WHERE run_id = $1 ORDER BY part",
                     values, 1, err);
    }
    if (failure < 0) {
        return err_prefix(err, "cannot take up run %" PRId64, run->id);
    }
    run->is_ours = true;
    run->part_count = db_result_rows(result);
    if (run->part_count == 0 || run->part_count > LEDGER_PARTS_MAX ||
        db_result_integer(result, run->part_count - 1, 0) != (int64_t) run->part_count - 1) {
        (void) err_set(err, ERR_ETL, "run %" PRId64 " has no parts that can be gone on with", run->id);
        err_hint(err, "--force loads the file from its beginning");
        return -(int) ERR_ETL;
    }
    for (size_t i = 0; i < run->part_count; i++) {
        run->positions[i] = (uint64_t) db_result_integer(result, i, 1);
    }
    return 0;
}

int ledger_forget_places(struct db *db, int64_t run, struct err *err)
{
    char id[NUMBER_SIZE];
    (void) snprintf(id, sizeof(id), "%" PRId64, run);
    const struct db_value values[] = {db_text(id)};
    return db_query(db, NULL, "DELETE FROM digitalism_etl_progress WHERE run_id = $1", values, 1, err);
}

int ledger_update(struct db *db, int64_t run, struct err *err)
{
    char id[NUMBER_SIZE];
    (void) snprintf(id, sizeof(id), "%" PRId64, run);
    const struct db_value values[] = {db_text(id)};
    return db_query(db, NULL,
                    "UPDATE digitalism_etl_runs SET " SET_COUNTS ", position = p.position "
                    "FROM (SELECT " SUMS "WHERE run_id = $1) AS p WHERE id = $1",
                    values, 1, err);
}

int ledger_finish(struct db *db, int64_t run, const struct err *outcome, struct etl_counts *counts, struct err *err)
{
    char id[NUMBER_SIZE];
    (void) snprintf(id, sizeof(id), "%" PRId64, run);
    const char *state = outcome == NULL ? "done" : outcome->code == ERR_INTERRUPTED ? "interrupted" : "failed";
    const struct db_value values[] = {db_text(id), db_text(state), db_text(outcome == NULL ? NULL : outcome->message)};
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(db, &result,
                           "WITH p AS (SELECT " SUMS "WHERE run_id = $1::int8), "
                           "gone AS (DELETE FROM digitalism_etl_progress WHERE run_id = $1::int8 AND $2 = 'done') "
                           "UPDATE digitalism_etl_runs AS r SET state = $2, error = $3, "
                           "finished_at = clock_timestamp(), " SET_COUNTS ", "
                           "position = CASE WHEN $2 = 'done' THEN r.records ELSE p.position END "
                           "FROM p WHERE r.id = $1::int8 RETURNING r.rows_read, r.rows_inserted, r.rows_updated, "
                           "r.rows_unchanged, r.rows_duplicate, r.rows_rejected, r.rows_without_coordinates, "
                           "set_config('synchronous_commit', 'on', true)",
                           values, sizeof(values) / sizeof(values[0]), err);
    if (failure < 0) {
        return err_prefix(err, "cannot close the ledger's row");
    }
    if (db_result_rows(result) != 1) {
        return err_set(err, ERR_ETL, "row %" PRId64 " of the ledger digitalism_etl_runs has gone", run);
    }
    read_counts(counts, result, 0, 0);
    return 0;
}
