/* Trying to log in until it succeeds, cannot succeed, or the deadline has passed.
 * Not here: telling transient failures from lasting ones (db). */
#include "digitalism/wait.h"

#include <stdbool.h>
#include <string.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"

#define ATTEMPT_LIMIT_MS 5000
#define DELAY_FIRST_MS   100
#define DELAY_MAX_MS     2000
/* While nobody listens an attempt costs nothing, so that readiness is seen within a second. */
#define DELAY_ABSENT_MS  800
#define ABSENT_ANSWER_MS 100

/* What the operator has to look at when trying again cannot help. */
static void add_hint(struct err *err)
{
    static const struct {
        const char *sqlstate;
        const char *hint;
    } hints[] = {
        {"28P01", "check DATABASE_USER and DATABASE_PASSWORD, or the user and password in DATABASE_URL"},
        {"28000", "check the user, and whether the server's pg_hba.conf lets it in from here"},
        {"3D000", "create the database, or correct its name in DATABASE_URL"},
        {"42501", "grant the user CONNECT on the database"},
    };
    if (err->hint[0] != '\0') {
        return;
    }
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (strcmp(err->sqlstate, hints[i].sqlstate) == 0) {
            err_hint(err, "%s", hints[i].hint);
            return;
        }
    }
    err_hint(err, strstr(err->message, "no password supplied") != NULL ? "set DATABASE_PASSWORD"
                                                                       : "check the options in DATABASE_URL");
}

static int give_up(const struct wait_options *options, const struct err *last, struct err *err)
{
    bool whole = options->timeout_ms % 1000 == 0;
    (void) err_set(err, ERR_DATABASE, "PostgreSQL was not ready within %lld %s: %s",
                   (long long) options->timeout_ms / (whole ? 1000 : 1), whole ? "s" : "ms", last->message);
    err_hint(err, "check that the server runs and that DATABASE_URL names it; DATABASE_WAIT_TIMEOUT is how long it is "
                  "waited for");
    if (err != NULL) {
        err->transient = true;
        memcpy(err->sqlstate, last->sqlstate, sizeof(err->sqlstate));
    }
    return -(int) ERR_DATABASE;
}

static int attempt(const struct wait_options *options, int64_t limit_ms, struct err *err)
{
    DB_AUTO db = NULL;
    const struct db_options db_options = {.application_name = "digitalism wait", .connect_timeout_ms = limit_ms};
    return db_open_stoppable(&db, options->target, &db_options, options->stop_fd, err);
}

/* How long to sleep before the next attempt, never over the deadline. */
static int64_t next_delay_ms(struct backoff *backoff, const struct err *last, int64_t attempt_ms, int64_t deadline_ms)
{
    bool absent = last->sqlstate[0] == '\0' && attempt_ms < ABSENT_ANSWER_MS;
    backoff->max_ms = absent ? DELAY_ABSENT_MS : DELAY_MAX_MS;
    return clock_earlier(backoff_next_ms(backoff), clock_remaining_ms(deadline_ms));
}

int wait_for_database(const struct wait_options *options, struct err *err)
{
    const int64_t start_ms = clock_now_ms();
    const int64_t deadline_ms = start_ms + options->timeout_ms;
    struct backoff backoff = {.first_ms = DELAY_FIRST_MS, .max_ms = DELAY_MAX_MS};
    for (;;) {
        struct err last = {.code = ERR_NONE};
        int64_t attempt_start_ms = clock_now_ms();
        /* At least one attempt is made, however short the deadline is. */
        int64_t limit_ms = clock_earlier(ATTEMPT_LIMIT_MS, clock_remaining_ms(deadline_ms) + 1);
        int failure = attempt(options, limit_ms, &last);
        int64_t now_ms = clock_now_ms();
        if (failure == 0) {
            log_info("PostgreSQL is ready: %s (attempt %u, after %lld ms)", db_target_text(options->target),
                     backoff.attempts + 1, (long long) (now_ms - start_ms));
            return 0;
        }
        last.transient |= options->database_may_be_absent && strcmp(last.sqlstate, "3D000") == 0;
        if (failure != -(int) ERR_DATABASE || !last.transient) {
            if (failure == -(int) ERR_DATABASE) {
                add_hint(&last);
            }
            if (err != NULL) {
                *err = last;
            }
            return failure;
        }
        int64_t delay_ms = next_delay_ms(&backoff, &last, now_ms - attempt_start_ms, deadline_ms);
        if (delay_ms > 0) {
            log_warn("PostgreSQL is not ready: %s; trying again in %lld ms", last.message, (long long) delay_ms);
            failure = stop_sleep(options->stop_fd, delay_ms, err);
            if (failure != 0) {
                return failure;
            }
        }
        if (clock_remaining_ms(deadline_ms) == 0) {
            return give_up(options, &last, err);
        }
    }
}
