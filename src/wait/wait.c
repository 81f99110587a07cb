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
/* While nobody listens an attempt costs nothing, so that readiness is seen within a second, jitter included. */
#define DELAY_ABSENT_MS  700
#define ABSENT_ANSWER_MS 100
/* Between the two successes that a Unix socket needs. */
#define CONFIRM_DELAY_MS 1000
#define CONFIRM_LIMIT_MS 1000

/* What the operator has to look at when trying again cannot help. */
static void add_hint(struct err *err)
{
    static const struct {
        const char *sqlstate;
        const char *text; /* in libpq's own message, where there is no SQLSTATE */
        const char *hint;
    } hints[] = {
        {"28P01", NULL, "check DATABASE_USER and DATABASE_PASSWORD, or the user and password in DATABASE_URL"},
        {"28000", NULL, "check the user, and whether the server's pg_hba.conf lets it in from here"},
        {"3D000", NULL,
         "create the database, or correct its name in DATABASE_URL; with WAIT_FOR_DATABASE=true it is waited for"},
        {"42501", NULL, "grant the user CONNECT on the database"},
        {"", "no password supplied", "set DATABASE_PASSWORD"},
        {"", "certificate", "check the server's certificate, and sslmode and sslrootcert in DATABASE_URL"},
    };
    if (err->hint[0] != '\0') {
        return;
    }
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        bool is_text = hints[i].text == NULL || strstr(err->message, hints[i].text) != NULL;
        if (is_text && strcmp(err->sqlstate, hints[i].sqlstate) == 0) {
            err_hint(err, "%s", hints[i].hint);
            return;
        }
    }
    err_hint(err, "check the options in DATABASE_URL");
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

/* The wait for one target. */
struct vigil {
    const struct wait_options *options;
    const struct db_target *target;
    int64_t start_ms;
    int64_t deadline_ms;
    struct backoff backoff;
    unsigned attempts;
    bool is_absent; /* nobody answered the last attempt */
    bool answered;  /* the last attempt succeeded over a socket, and another has to */
};

static int attempt(struct vigil *vigil, bool *is_local, struct err *err)
{
    DB_AUTO db = NULL;
    /* At least one attempt is made, however short the deadline is; so is the one that confirms another. */
    int64_t limit_ms = clock_earlier(ATTEMPT_LIMIT_MS, clock_remaining_ms(vigil->deadline_ms) + 1);
    if (vigil->answered && limit_ms < CONFIRM_LIMIT_MS) {
        limit_ms = CONFIRM_LIMIT_MS;
    }
    const struct db_options options = {.application_name = "digitalism wait", .connect_timeout_ms = limit_ms};
    vigil->attempts += 1;
    int failure = db_open_stoppable(&db, vigil->target, &options, vigil->options->stop_fd, err);
    if (failure == 0) {
        *is_local = db_is_local(db);
    }
    return failure;
}

/* Logs the failure and sleeps until the next attempt, never over the deadline. */
static int pause_before_next(struct vigil *vigil, const struct err *last, int64_t attempt_ms, struct err *err)
{
    bool is_absent = last->sqlstate[0] == '\0' && attempt_ms < ABSENT_ANSWER_MS;
    if (is_absent != vigil->is_absent) {
        /* A server that begins to answer is about to be ready, and one that has just gone may come back as soon. */
        backoff_reset(&vigil->backoff);
        vigil->is_absent = is_absent;
    }
    vigil->backoff.max_ms = is_absent ? DELAY_ABSENT_MS : DELAY_MAX_MS;
    int64_t delay_ms = clock_earlier(backoff_next_ms(&vigil->backoff), clock_remaining_ms(vigil->deadline_ms));
    if (delay_ms == 0) {
        return 0;
    }
    log_warn("PostgreSQL is not ready: %s; trying again in %lld ms", last->message, (long long) delay_ms);
    return stop_sleep(vigil->options->stop_fd, delay_ms, err);
}

/* The official image starts its server on the socket alone to set it up, then stops it and starts it for good. */
static int pause_to_confirm(struct vigil *vigil, struct err *err)
{
    log_info("PostgreSQL answers on its socket: %s; asking again in %d ms, since its first start ends with a restart",
             db_target_text(vigil->target), CONFIRM_DELAY_MS);
    vigil->answered = true;
    backoff_reset(&vigil->backoff);
    return stop_sleep(vigil->options->stop_fd, CONFIRM_DELAY_MS, err);
}

static int wait_for_target(struct vigil *vigil, struct err *err)
{
    for (;;) {
        struct err last = {.code = ERR_NONE};
        bool is_local = false;
        int64_t attempt_start_ms = clock_now_ms();
        int failure = attempt(vigil, &is_local, &last);
        int64_t now_ms = clock_now_ms();
        if (failure == 0 && is_local && !vigil->answered) {
            failure = pause_to_confirm(vigil, err);
            if (failure != 0) {
                return failure;
            }
            continue;
        }
        if (failure == 0) {
            log_info("PostgreSQL is ready: %s (attempt %u, after %lld ms)", db_target_text(vigil->target),
                     vigil->attempts, (long long) (now_ms - vigil->start_ms));
            return 0;
        }
        vigil->answered = false;
        last.transient |= vigil->options->database_may_be_absent && strcmp(last.sqlstate, "3D000") == 0;
        if (failure != -(int) ERR_DATABASE || !last.transient) {
            if (failure == -(int) ERR_DATABASE) {
                add_hint(&last);
            }
            if (err != NULL) {
                *err = last;
            }
            return failure;
        }
        failure = pause_before_next(vigil, &last, now_ms - attempt_start_ms, err);
        if (failure != 0) {
            return failure;
        }
        if (clock_remaining_ms(vigil->deadline_ms) == 0) {
            return give_up(vigil->options, &last, err);
        }
    }
}

int wait_for_database(const struct wait_options *options, struct err *err)
{
    const int64_t deadline_ms = clock_now_ms() + options->timeout_ms;
    for (size_t i = 0; i < options->target_count; i++) {
        struct vigil vigil = {.options = options,
                              .target = options->targets[i],
                              .start_ms = clock_now_ms(),
                              .deadline_ms = deadline_ms,
                              .backoff = {.first_ms = DELAY_FIRST_MS, .max_ms = DELAY_MAX_MS},
                              .is_absent = true};
        int failure = wait_for_target(&vigil, err);
        if (failure != 0) {
            return failure;
        }
    }
    return 0;
}
