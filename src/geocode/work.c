/* Reading the cities in slices, writing coordinates, coming back after a loss.
 * Not here: what to write. */
#include "geocode/work.h"

#include <inttypes.h>
#include <stdio.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"

#define STATEMENT_TIMEOUT_MS INT64_C(60000) /* each takes milliseconds; this is for locks that others hold */
#define RETRY_FIRST_MS       100
#define RETRY_MAX_MS         5000
#define NUMBER_SIZE          32
#define SLICE_ROWS           "500" /* an index is walked once, and memory does not grow with the table */

#define LACKS "deleted_at IS NULL AND (latitude IS NULL OR longitude IS NULL)"

static int open_once(struct work *work, struct err *err)
{
    const struct db_options db_options = {.application_name = "digitalism geocode",
                                          .connect_timeout_ms = work->options->connect_timeout_ms,
                                          .statement_timeout_ms = STATEMENT_TIMEOUT_MS};
    int result = db_open_stoppable(&work->db, work->options->target, &db_options, work->stop_fd, err);
    if (result < 0) {
        work->db = NULL;
        return result;
    }
    db_interruptible(work->db, work->stop_fd);
    /* What a crash of the server loses then stands in the cache, and is written by the next run. */
    return db_exec(work->db, "SET synchronous_commit = off", err);
}

/* One statement, on a new connection if need be. */
static int try_query(struct work *work, struct db_result **out, const char *sql, const struct db_value *values,
                     int count, struct err *err)
{
    int result = work->db == NULL ? open_once(work, err) : 0;
    return result < 0 ? result : db_query(work->db, out, sql, values, count, err);
}

/* All statements here may be run twice: one whose answer was lost does nothing the second time. */
static int query(struct work *work, struct db_result **out, const char *sql, const struct db_value *values, int count,
                 struct err *err)
{
    struct backoff backoff = {.first_ms = RETRY_FIRST_MS, .max_ms = RETRY_MAX_MS};
    int64_t deadline_ms = 0;
    for (;;) {
        struct err last = {.code = ERR_NONE};
        int result = try_query(work, out, sql, values, count, &last);
        if (result == 0) {
            if (deadline_ms != 0) {
                log_info("geocoding: PostgreSQL is back");
            }
            return 0;
        }
        if (result == -(int) ERR_DATABASE && last.transient) {
            db_close(work->db);
            work->db = NULL;
            if (deadline_ms == 0) {
                deadline_ms = clock_now_ms() + work->options->wait_timeout_ms;
                log_warn("geocoding: PostgreSQL was lost: %s; trying again for up to %" PRId64 " ms", last.message,
                         work->options->wait_timeout_ms);
            }
            int64_t delay_ms = clock_earlier(backoff_next_ms(&backoff), clock_remaining_ms(deadline_ms));
            if (delay_ms > 0) {
                result = stop_sleep(work->stop_fd, delay_ms, &last);
                if (result == 0) {
                    continue;
                }
            }
        }
        *err = last;
        return result;
    }
}

int work_open(struct work *work, const struct geocode_options *options, int stop_fd, struct err *err)
{
    *work = (struct work){.options = options, .stop_fd = stop_fd};
    return query(work, NULL, "SELECT 1", NULL, 0, err);
}

void work_close(struct work *work)
{
    db_result_free(work->slice);
    db_close(work->db);
    work->slice = NULL;
    work->db = NULL;
}

int work_count(struct work *work, uint64_t *out, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int status = query(work, &result, "SELECT count(*) FROM cities WHERE " LACKS, NULL, 0, err);
    if (status == 0) {
        *out = (uint64_t) db_result_integer(result, 0, 0);
    }
    return status;
}

int work_next(struct work *work, struct work_city *out, struct err *err)
{
    if (work->slice == NULL || work->next == db_result_rows(work->slice)) {
        char last_id[NUMBER_SIZE];
        struct db_result *slice = NULL;
        (void) snprintf(last_id, sizeof(last_id), "%" PRId64, work->last_id);
        const struct db_value values[] = {db_text(last_id)};
        int status =
            query(work, &slice,
                  "SELECT id, name, code_postal FROM cities WHERE " LACKS " AND id > $1 ORDER BY id LIMIT " SLICE_ROWS,
                  values, 1, err);
        if (status < 0) {
            return status;
        }
        db_result_free(work->slice);
        work->slice = slice;
        work->next = 0;
    }
    if (work->next == db_result_rows(work->slice)) {
        return 0;
    }
    *out = (struct work_city){.id = db_result_integer(work->slice, work->next, 0),
                              .name = db_result_text(work->slice, work->next, 1),
                              .postal_code = db_result_text(work->slice, work->next, 2)};
    work->last_id = out->id;
    work->next += 1;
    return 1;
}

int work_write(struct work *work, int64_t id, double latitude, double longitude, bool *is_written, struct err *err)
{
    char texts[4][NUMBER_SIZE];
    (void) snprintf(texts[0], NUMBER_SIZE, "%" PRId64, id);
    (void) snprintf(texts[1], NUMBER_SIZE, "%.17g", latitude);
    (void) snprintf(texts[2], NUMBER_SIZE, "%.17g", longitude);
    (void) snprintf(texts[3], NUMBER_SIZE, "%" PRId64, work->options->run);
    const struct db_value values[] = {db_text(texts[0]), db_text(texts[1]), db_text(texts[2]), db_text(texts[3])};
    DB_RESULT_AUTO result = NULL;
    int status = query(work, &result,
                       "WITH written AS (UPDATE cities SET latitude = $2::float8, longitude = $3::float8, "
                       "updated_at = now() WHERE id = $1::integer AND " LACKS " RETURNING 1), "
                       "counted AS (UPDATE digitalism_etl_runs SET rows_geocoded = rows_geocoded + 1 "
                       "WHERE id = $4::bigint AND EXISTS (SELECT FROM written)) SELECT count(*) FROM written",
                       values, sizeof(values) / sizeof(values[0]), err);
    if (status == 0) {
        *is_written = db_result_integer(result, 0, 0) > 0;
    }
    return status;
}
