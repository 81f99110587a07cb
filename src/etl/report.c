/* Showing the ledger and the rejects to people and programs.
 * Not here: writing either of them (ledger.c, statements.c). */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "digitalism/etl.h"
#include "digitalism/json.h"
#include "etl/rejects.h"

#define STATEMENT_TIMEOUT_MS INT64_C(60000)
#define NUMBER_SIZE          24

/* The columns of the ledger as it is shown; where a run is not finished its parts tell the counts. */
enum run_column {
    RUN_ID,
    RUN_STATE,
    RUN_MODE,
    RUN_STARTED,
    RUN_FINISHED,
    RUN_READ,
    RUN_INSERTED,
    RUN_UPDATED,
    RUN_UNCHANGED,
    RUN_DUPLICATE,
    RUN_REJECTED,
    RUN_GEOCODED,
    RUN_RECORDS,
    RUN_POSITION,
    RUN_RESUMED,
    RUN_BYTES,
    RUN_SHA256,
    RUN_FILE,
    RUN_ERROR,
    RUN_COLUMN_COUNT
};
static const struct {
    const char *name;
    bool is_text;
    bool is_shown; /* in the table for people, which is as wide as a screen */
} run_columns[] = {
    [RUN_ID] = {"run", false, true},
    [RUN_STATE] = {"state", true, true},
    [RUN_MODE] = {"mode", true, true},
    [RUN_STARTED] = {"started", true, true},
    [RUN_FINISHED] = {"finished", true, false},
    [RUN_READ] = {"read", false, true},
    [RUN_INSERTED] = {"inserted", false, true},
    [RUN_UPDATED] = {"updated", false, true},
    [RUN_UNCHANGED] = {"unchanged", false, true},
    [RUN_DUPLICATE] = {"duplicate", false, true},
    [RUN_REJECTED] = {"rejected", false, true},
    [RUN_GEOCODED] = {"geocoded", false, true},
    [RUN_RECORDS] = {"records", false, false},
    [RUN_POSITION] = {"position", false, false},
    [RUN_RESUMED] = {"resumed", false, false},
    [RUN_BYTES] = {"file_bytes", false, false},
    [RUN_SHA256] = {"file_sha256", true, false},
    [RUN_FILE] = {"file", true, true},
    [RUN_ERROR] = {"error", true, false},
};
static_assert(sizeof(run_columns) / sizeof(run_columns[0]) == RUN_COLUMN_COUNT, "every column is described");

#define UTC(column) "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
static const char runs_sql[] = "SELECT r.id, r.state, r.mode, " UTC("r.started_at") ", " UTC(
    "r.finished_at") ", "
                     "coalesce(p.rows_read, r.rows_read), coalesce(p.rows_inserted, r.rows_inserted), "
                     "coalesce(p.rows_updated, r.rows_updated), coalesce(p.rows_unchanged, r.rows_unchanged), "
                     "coalesce(p.rows_duplicate, r.rows_duplicate), coalesce(p.rows_rejected, r.rows_rejected), "
                     "r.rows_geocoded, "
                     "r.records, coalesce(p.position, r.position), r.resumed, r.file_bytes, r.file_sha256, r.file, "
                     "r.error "
                     "FROM digitalism_etl_runs AS r LEFT JOIN (SELECT run_id, "
                     "sum(rows_read) AS rows_read, sum(rows_inserted) AS rows_inserted, sum(rows_updated) AS "
                     "rows_updated, "
                     "sum(rows_unchanged) AS rows_unchanged, sum(rows_duplicate) AS rows_duplicate, "
                     "sum(rows_rejected) AS rows_rejected, min(position) AS position FROM digitalism_etl_progress "
                     "GROUP BY run_id) AS p "
                     "ON p.run_id = r.id ORDER BY r.id DESC LIMIT 1000";

static int connect_for_reading(struct db **db, const struct etl_options *options, struct err *err)
{
    const struct db_options db_options = {.application_name = "digitalism etl",
                                          .connect_timeout_ms = options->connect_timeout_ms,
                                          .statement_timeout_ms = STATEMENT_TIMEOUT_MS};
    int failure = db_open(db, options->target, &db_options, err);
    return failure == 0 ? db_exec(*db, "SET default_transaction_read_only = on", err) : failure;
}

/* Without the tables nothing was ever loaded: that is no fault of the question. */
static int explain(int failure, struct err *err)
{
    if (failure == -(int) ERR_DATABASE && strcmp(err->sqlstate, "42P01") == 0) {
        (void) err_set(err, ERR_ETL, "this database has no ledger of loads yet");
        err_hint(err, "digitalism migrate makes it");
        return -(int) ERR_ETL;
    }
    return failure;
}

static void append_json_run(struct buffer *out, const struct db_result *runs, size_t row)
{
    struct json_writer json = json_writer_init(out);
    json_open_object(&json);
    for (int column = 0; column < RUN_COLUMN_COUNT; column++) {
        json_key(&json, run_columns[column].name);
        if (db_result_null(runs, row, column)) {
            json_null(&json);
        } else if (run_columns[column].is_text) {
            json_string(&json, db_result_text(runs, row, column));
        } else {
            json_integer(&json, db_result_integer(runs, row, column));
        }
    }
    json_close_object(&json);
    buffer_append_char(out, '\n');
}

/* As wide as the widest of its values; names of files are as long as they are. */
static int width_of(const struct db_result *runs, int column)
{
    size_t width = strlen(run_columns[column].name);
    for (size_t row = 0; row < db_result_rows(runs); row++) {
        size_t length = strlen(db_result_text(runs, row, column));
        width = length > width ? length : width;
    }
    return (int) width;
}

static void append_table(struct buffer *out, const struct db_result *runs)
{
    for (int column = 0; column < RUN_FILE; column++) {
        if (run_columns[column].is_shown) {
            buffer_append_format(out, run_columns[column].is_text ? "%-*s  " : "%*s  ", width_of(runs, column),
                                 run_columns[column].name);
        }
    }
    buffer_append_text(out, "file\n");
    for (size_t row = 0; row < db_result_rows(runs); row++) {
        for (int column = 0; column < RUN_FILE; column++) {
            if (run_columns[column].is_shown) {
                buffer_append_format(out, run_columns[column].is_text ? "%-*s  " : "%*s  ", width_of(runs, column),
                                     db_result_text(runs, row, column));
            }
        }
        buffer_append_format(out, "%s\n", db_result_text(runs, row, RUN_FILE));
        if (!db_result_null(runs, row, RUN_ERROR)) {
            const char *error = db_result_text(runs, row, RUN_ERROR);
            buffer_append_format(out, "    %.*s\n", (int) strcspn(error, "\n"), error);
        }
    }
}

int etl_print_runs(const struct etl_options *options, bool json, struct err *err)
{
    DB_AUTO db = NULL;
    DB_RESULT_AUTO runs = NULL;
    BUFFER_AUTO text = BUFFER_EMPTY;
    int failure = connect_for_reading(&db, options, err);
    failure = failure == 0 ? explain(db_query(db, &runs, runs_sql, NULL, 0, err), err) : failure;
    if (failure != 0) {
        return failure;
    }
    for (size_t row = 0; json && row < db_result_rows(runs); row++) {
        append_json_run(&text, runs, row);
    }
    if (!json) {
        append_table(&text, runs);
    }
    bool is_written = !buffer_failed(&text) && fputs(buffer_text(&text), stdout) >= 0 && fflush(stdout) == 0;
    return is_written ? 0 : err_set_errno(err, ERR_INTERNAL, errno, "cannot print the ledger");
}

int etl_print_rejects(const struct etl_options *options, int64_t run, struct err *err)
{
    char id[NUMBER_SIZE];
    (void) snprintf(id, sizeof(id), "%" PRId64, run);
    const struct db_value values[] = {db_text(id)};
    DB_AUTO db = NULL;
    DB_RESULT_AUTO found = NULL;
    int failure = connect_for_reading(&db, options, err);
    if (failure == 0) {
        failure = db_query(db, &found,
                           "SELECT id FROM digitalism_etl_runs WHERE $1::int8 IN (0, id) ORDER BY id DESC LIMIT 1",
                           values, 1, err);
        failure = explain(failure, err);
    }
    if (failure != 0) {
        return failure;
    }
    if (db_result_rows(found) == 0) {
        (void) (run == 0 ? err_set(err, ERR_ETL, "nothing was ever loaded into this database")
                         : err_set(err, ERR_ETL, "there is no run %" PRId64, run));
        err_hint(err, "digitalism etl runs lists the runs");
        return -(int) ERR_ETL;
    }
    failure = rejects_write(db, db_result_integer(found, 0, 0), STDOUT_FILENO, err);
    return failure == -(int) ERR_ETL ? err_prefix(err, "cannot print the rejects") : failure;
}
