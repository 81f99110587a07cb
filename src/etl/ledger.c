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

const char *const etl_mode_names[] = {[ETL_MODE_SKIP] = "skip", [ETL_MODE_REPLACE] = "replace"};
static_assert(sizeof(etl_mode_names) / sizeof(etl_mode_names[0]) == ETL_MODE_COUNT, "every mode has a name");

static int try_lock(struct db *db, bool *taken, int64_t *holder, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int status = db_query(db, &result,
                          "SELECT pg_try_advisory_lock(" LOCK_CLASS ", " LOCK_OBJECT "), "
                          "(SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
                          "AND classid = " LOCK_CLASS " AND objid = " LOCK_OBJECT " AND database = "
                          "(SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1)",
                          NULL, 0, err);
    if (status == 0) {
        *taken = db_result_boolean(result, 0, 0);
        *holder = db_result_integer(result, 0, 1);
    }
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

int ledger_close_dead(struct db *db, struct err *err)
{
    return db_exec(db,
                   "UPDATE digitalism_etl_runs SET state = 'failed', finished_at = now(), "
                   "error = 'ended without a word' WHERE state = 'running'",
                   err);
}

int ledger_start(struct db *db, int64_t *run, const char *file, uint64_t bytes, const char *sha256, enum etl_mode mode,
                 struct err *err)
{
    char bytes_text[NUMBER_SIZE];
    (void) snprintf(bytes_text, sizeof(bytes_text), "%" PRIu64, bytes);
    const struct db_value values[] = {db_text(file), db_text(bytes_text), db_text(sha256),
                                      db_text(etl_mode_names[mode])};
    DB_RESULT_AUTO result = NULL;
    int status = db_query(db, &result,
                          "INSERT INTO digitalism_etl_runs (file, file_bytes, file_sha256, mode) "
                          "VALUES ($1, $2, $3, $4) RETURNING id",
                          values, sizeof(values) / sizeof(values[0]), err);
    if (status < 0) {
        return err_prefix(err, "cannot open the ledger's row");
    }
    *run = db_result_integer(result, 0, 0);
    return 0;
}

int ledger_finish(struct db *db, int64_t run, const struct err *outcome, struct err *err)
{
    char run_text[NUMBER_SIZE];
    (void) snprintf(run_text, sizeof(run_text), "%" PRId64, run);
    const char *state = outcome == NULL ? "done" : outcome->code == ERR_INTERRUPTED ? "interrupted" : "failed";
    const struct db_value values[] = {db_text(run_text), db_text(state),
                                      db_text(outcome == NULL ? NULL : outcome->message)};
    int status = db_query(db, NULL,
                          "UPDATE digitalism_etl_runs SET state = $2, error = $3, finished_at = clock_timestamp() "
                          "WHERE id = $1 RETURNING set_config('synchronous_commit', 'on', true)",
                          values, sizeof(values) / sizeof(values[0]), err);
    return status < 0 ? err_prefix(err, "cannot close the ledger's row") : 0;
}
