/* The pipeline in the worker's loop: its descriptor, its deadline, and one log line when PostgreSQL goes or returns.
 * Not here: the pipeline itself (db), the statements (statements.c). */
#include <string.h>

#include "api/statements.h"
#include "api/worker.h"
#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"

enum { STATEMENT_TIMEOUT_MS = 10000, CONNECT_TIMEOUT_MS = 5000, QUEUE_MAX = 4096 };

/* Logs a change, not each attempt: an outage of an hour is one line, unless its reason changes. */
static void tell_state(struct api_database *database)
{
    const struct err *error = db_pipeline_error(database->pipeline);
    if (error == NULL) {
        if (!database->was_connected) {
            log_info("connected to PostgreSQL");
            database->was_connected = true;
            database->told = (struct err){.code = ERR_NONE};
        }
        return;
    }
    /* While it has never been connected, the pipeline holds a message of its own from the beginning. */
    bool is_known = strcmp(error->message, database->told.message) == 0 ||
                    (error->sqlstate[0] != '\0' && strcmp(error->sqlstate, database->told.sqlstate) == 0);
    if (database->was_connected || !is_known) {
        database->was_connected = false;
        database->told = *error;
        log_warn("%s; answering 503 and trying again, continuing", error->message);
    }
}

static void watch_ready(void *argument, int events);

static void watch_anew(struct api_worker *worker)
{
    struct api_database *database = &worker->database;
    struct err err;
    int fd = db_pipeline_fd(database->pipeline);
    http_watch_free(database->watch);
    database->watch = NULL;
    if (fd >= 0 && http_watch_new(&database->watch, worker->server, fd, watch_ready, worker, &err) < 0) {
        /* Unwatched, the attempt runs into its deadline and is made again. */
        log_err(LOG_LEVEL_ERROR, &err);
    }
}

/* Must follow every call that may have changed the connection, before the loop can give its number to another socket.
 */
static void follow(struct api_worker *worker)
{
    struct api_database *database = &worker->database;
    unsigned generation = db_pipeline_generation(database->pipeline);
    if (generation != database->watched_generation) {
        database->watched_generation = generation;
        watch_anew(worker);
    }
    tell_state(database);
    int wants = db_pipeline_wants(database->pipeline);
    int events =
        ((wants & DB_WANTS_READ) != 0 ? HTTP_WATCH_READ : 0) | ((wants & DB_WANTS_WRITE) != 0 ? HTTP_WATCH_WRITE : 0);
    if (database->watch != NULL) {
        (void) http_watch_events(database->watch, events);
    }
    /* A deadline that moves away is left alone: the timer goes off early, finds nothing due, and is set again. */
    int64_t deadline_ms = db_pipeline_deadline_ms(database->pipeline);
    if (deadline_ms < database->armed_ms) {
        database->armed_ms = deadline_ms;
        http_timer_start(database->timer, clock_remaining_ms(deadline_ms));
    }
}

static void watch_ready(void *argument, int events)
{
    struct api_worker *worker = argument;
    db_pipeline_ready(worker->database.pipeline, ((events & HTTP_WATCH_READ) != 0 ? DB_WANTS_READ : 0) |
                                                     ((events & HTTP_WATCH_WRITE) != 0 ? DB_WANTS_WRITE : 0));
    follow(worker);
}

static void deadline_passed(void *argument)
{
    struct api_worker *worker = argument;
    worker->database.armed_ms = CLOCK_NEVER;
    if (clock_now_ms() >= db_pipeline_deadline_ms(worker->database.pipeline)) {
        db_pipeline_tick(worker->database.pipeline);
    }
    follow(worker);
}

int api_database_open(struct api_worker *worker, struct err *err)
{
    struct api_database *database = &worker->database;
    const struct db_pipeline_options options = {.target = worker->options->target,
                                                .application_name = "digitalism-api",
                                                .statements = api_statements,
                                                .statement_count = API_STATEMENT_COUNT,
                                                .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
                                                .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                                .queue_max = QUEUE_MAX};
    database->armed_ms = CLOCK_NEVER;
    if (http_timer_new(&database->timer, worker->server, deadline_passed, worker, err) < 0 ||
        db_pipeline_new(&database->pipeline, &options, err) < 0) {
        return -(int) ERR_INTERNAL;
    }
    /* What it says before the first attempt is no news. */
    database->told = *db_pipeline_error(database->pipeline);
    db_pipeline_tick(database->pipeline);
    follow(worker);
    return 0;
}

void api_database_close(struct api_worker *worker)
{
    struct api_database *database = &worker->database;
    http_watch_free(database->watch);
    database->watch = NULL;
    db_pipeline_free(database->pipeline);
    database->pipeline = NULL;
    http_timer_free(database->timer);
    database->timer = NULL;
}

void api_database_give_up(struct api_worker *worker)
{
    struct err err;
    (void) err_set(&err, ERR_DATABASE, "no answer from PostgreSQL before the end of the stop");
    db_pipeline_abandon(worker->database.pipeline, &err);
    follow(worker);
}

void api_database_turn(struct api_worker *worker)
{
    db_pipeline_flush(worker->database.pipeline);
    follow(worker);
}
