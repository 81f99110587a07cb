/* The life of a worker's asynchronous connection: connecting, deadlines, loss, backoff.
 * Not here: what a session begins with (pipeline_session.c); its queries and their answers (pipeline_query.c); watching
 * its descriptor (the owner). */
#include "db/pipeline.h"

#include <assert.h>
#include <stdlib.h>

#include "db/internal.h"
#include "digitalism/base/log.h"

enum {
    RETRY_FIRST_MS = 100,
    RETRY_MAX_MS = 5000,
    /* How long queries may wait for the first attempts, at the start or after a loss. Later ones are not waited for: an
     * outage is told at once. */
    PATIENCE_MS = 1000,
    /* Beyond statement_timeout, for a server or a network that has fallen silent. */
    SILENCE_MS = 5000,
};

static const char *const state_names[] = {
    [PIPELINE_DISCONNECTED] = "disconnected",
    [PIPELINE_CONNECTING] = "connecting",
    [PIPELINE_PREPARING] = "preparing",
    [PIPELINE_READY] = "ready",
};
static_assert(sizeof(state_names) / sizeof(state_names[0]) == PIPELINE_STATE_COUNT, "every state has a name");

static void set_state(struct db_pipeline *pipeline, enum pipeline_state state, const char *reason)
{
    if (log_enabled(LOG_LEVEL_DEBUG)) {
        log_debug("database pipeline: %s → %s: %s", state_names[pipeline->state], state_names[state], reason);
    }
    pipeline->state = state;
}

int db_pipeline_new(struct db_pipeline **out, const struct db_pipeline_options *options, struct err *err)
{
    struct db_pipeline *pipeline = calloc(1, sizeof(*pipeline));
    if (pipeline == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the database pipeline");
    }
    pipeline->options = *options;
    if (!pipeline_name_statements(pipeline)) {
        free(pipeline);
        return err_set(err, ERR_INTERNAL, "no memory for the database pipeline");
    }
    pipeline->backoff = (struct backoff){.first_ms = RETRY_FIRST_MS, .max_ms = RETRY_MAX_MS};
    (void) err_set(&pipeline->error, ERR_DATABASE, "not yet connected to %s", db_target_text(options->target));
    pipeline->error.transient = true;
    *out = pipeline;
    return 0;
}

static void disconnect(struct db_pipeline *pipeline)
{
    PQfinish(pipeline->connection);
    pipeline->connection = NULL;
    pipeline->wants = 0;
    pipeline->generation += 1;
    pipeline->session_results = 0;
    pipeline->syncs = 0;
    pipeline->head_answered = false;
    pipeline->is_pooled = false;
    pipeline->sends_text = false;
}

void pipeline_fail(struct db_pipeline *pipeline, const struct err *err)
{
    struct pipeline_queue in_flight = pipeline->in_flight;
    struct pipeline_queue waiting = pipeline->waiting;
    pipeline->in_flight = (struct pipeline_queue){.first = NULL};
    pipeline->waiting = (struct pipeline_queue){.first = NULL};
    pipeline->error = *err;
    /* Whatever was wrong may be mended outside while we run on, a password too. */
    pipeline->error.transient = true;
    disconnect(pipeline);
    pipeline->retry_ms = clock_now_ms() + backoff_next_ms(&pipeline->backoff);
    set_state(pipeline, PIPELINE_DISCONNECTED, pipeline->error.message);
    /* Last, because a reply may come back to us with another query. */
    struct err kept = pipeline->error;
    pipeline_fail_queue(pipeline, in_flight, &kept);
    pipeline_fail_queue(pipeline, waiting, &kept);
}

void pipeline_lost(struct db_pipeline *pipeline)
{
    struct err err;
    const char *text = db_target_text(pipeline->options.target);
    if (pipeline->state == PIPELINE_CONNECTING) {
        (void) db_error_connect(&err, pipeline->connection, text);
    } else {
        (void) db_error_lost(&err, pipeline->connection, text);
    }
    pipeline_fail(pipeline, &err);
}

void db_pipeline_free(struct db_pipeline *pipeline)
{
    if (pipeline != NULL) {
        struct err err;
        (void) err_set(&err, ERR_DATABASE, "the connection to %s was closed", db_target_text(pipeline->options.target));
        pipeline_fail(pipeline, &err);
        free(pipeline->names);
        free(pipeline);
    }
}

void db_pipeline_abandon(struct db_pipeline *pipeline, const struct err *reason)
{
    pipeline_fail(pipeline, reason);
    pipeline->retry_ms = CLOCK_NEVER;
}

/* One step of libpq's connecting (manual, 34.1, PQconnectPoll). */
static void advance_connecting(struct db_pipeline *pipeline)
{
    PostgresPollingStatusType status = PQconnectPoll(pipeline->connection);
    /* The next host or address may have got a new socket under the old number. */
    pipeline->generation += 1;
    switch (status) {
    case PGRES_POLLING_READING:
        pipeline->wants = DB_WANTS_READ;
        break;
    case PGRES_POLLING_WRITING:
        pipeline->wants = DB_WANTS_WRITE;
        break;
    case PGRES_POLLING_OK:
        set_state(pipeline, PIPELINE_PREPARING, "logged in");
        if (!pipeline_send_session(pipeline) || !pipeline_push(pipeline)) {
            pipeline_lost(pipeline);
        }
        break;
    case PGRES_POLLING_FAILED:
    default:
        pipeline_lost(pipeline);
        break;
    }
}

void pipeline_session_ready(struct db_pipeline *pipeline)
{
    set_state(pipeline, PIPELINE_READY, "statements prepared");
    backoff_reset(&pipeline->backoff);
    pipeline->progress_ms = clock_now_ms();
}

/* Gives each of several hosts its share of the attempt to be the first: libpq goes on to the next one when a host
 * refuses, but waits for ever for a silent one. */
static void connect_to_host(struct db_pipeline *pipeline, size_t host, const char *reason)
{
    const struct db_target *target = pipeline->options.target;
    int64_t now_ms = clock_now_ms();
    disconnect(pipeline);
    pipeline->connection = db_connect_start_at(target, pipeline->options.application_name, NULL, host);
    pipeline->host = host;
    pipeline->host_ms = now_ms + (pipeline->attempt_ms - now_ms) / (int64_t) (target->host_count - host);
    set_state(pipeline, PIPELINE_CONNECTING, reason);
    if (pipeline->connection == NULL || PQstatus(pipeline->connection) == CONNECTION_BAD) {
        pipeline_lost(pipeline);
        return;
    }
    pipeline->wants = DB_WANTS_WRITE;
}

static void start_connecting(struct db_pipeline *pipeline)
{
    int64_t now_ms = clock_now_ms();
    pipeline->attempt_ms = now_ms + pipeline->options.connect_timeout_ms;
    pipeline->patience_ms = pipeline->backoff.attempts <= 1 ? now_ms + PATIENCE_MS : 0;
    connect_to_host(pipeline, 0, "it is time");
}

static int64_t silence_deadline_ms(const struct db_pipeline *pipeline)
{
    bool owed = pipeline->in_flight.first != NULL && pipeline->options.statement_timeout_ms > 0;
    return owed ? pipeline->progress_ms + pipeline->options.statement_timeout_ms + SILENCE_MS : CLOCK_NEVER;
}

static void tick_attempt(struct db_pipeline *pipeline, int64_t now_ms)
{
    struct err err;
    if (now_ms >= pipeline->host_ms && pipeline->host + 1 < pipeline->options.target->host_count) {
        connect_to_host(pipeline, pipeline->host + 1, "a host is silent");
    } else if (now_ms >= pipeline->host_ms) {
        (void) db_error_connect_timeout(&err, db_target_text(pipeline->options.target),
                                        pipeline->options.connect_timeout_ms);
        pipeline_fail(pipeline, &err);
    } else if (now_ms >= pipeline->patience_ms && pipeline->waiting.first != NULL) {
        struct pipeline_queue waiting = pipeline->waiting;
        pipeline->waiting = (struct pipeline_queue){.first = NULL};
        (void) err_set(&err, ERR_DATABASE, "still connecting to %s", db_target_text(pipeline->options.target));
        err.transient = true;
        pipeline_fail_queue(pipeline, waiting, &err);
    }
}

void db_pipeline_tick(struct db_pipeline *pipeline)
{
    int64_t now_ms = clock_now_ms();
    switch (pipeline->state) {
    case PIPELINE_DISCONNECTED:
        if (now_ms >= pipeline->retry_ms) {
            start_connecting(pipeline);
        }
        break;
    case PIPELINE_CONNECTING:
    case PIPELINE_PREPARING:
        tick_attempt(pipeline, now_ms);
        break;
    case PIPELINE_READY:
    case PIPELINE_STATE_COUNT:
        if (now_ms >= silence_deadline_ms(pipeline)) {
            struct err err;
            (void) err_set(&err, ERR_DATABASE, "%s has fallen silent", db_target_text(pipeline->options.target));
            pipeline_fail(pipeline, &err);
        }
        break;
    }
}

int64_t db_pipeline_deadline_ms(const struct db_pipeline *pipeline)
{
    switch (pipeline->state) {
    case PIPELINE_DISCONNECTED:
        return pipeline->retry_ms;
    case PIPELINE_CONNECTING:
    case PIPELINE_PREPARING:
        return pipeline->waiting.first == NULL ? pipeline->host_ms
                                               : clock_earlier(pipeline->host_ms, pipeline->patience_ms);
    case PIPELINE_READY:
    case PIPELINE_STATE_COUNT:
        break;
    }
    return silence_deadline_ms(pipeline);
}

int db_pipeline_fd(const struct db_pipeline *pipeline)
{
    return pipeline->connection == NULL ? -1 : PQsocket(pipeline->connection);
}

unsigned db_pipeline_generation(const struct db_pipeline *pipeline)
{
    return pipeline->generation;
}

int db_pipeline_wants(const struct db_pipeline *pipeline)
{
    return pipeline->wants;
}

static void read_answers(struct db_pipeline *pipeline)
{
    struct err err;
    bool is_over = PQconsumeInput(pipeline->connection) != 1;
    if (is_over) {
        /* Now, because what follows may add to libpq's message. */
        (void) db_error_lost(&err, pipeline->connection, db_target_text(pipeline->options.target));
    }
    pipeline->progress_ms = clock_now_ms();
    /* What came before the end is still answered. */
    pipeline_receive(pipeline);
    if (is_over && pipeline->connection != NULL) {
        pipeline_fail(pipeline, &err);
    }
}

void db_pipeline_ready(struct db_pipeline *pipeline, int events)
{
    if (pipeline->state == PIPELINE_DISCONNECTED) {
        return;
    }
    if (pipeline->state == PIPELINE_CONNECTING) {
        advance_connecting(pipeline);
        return;
    }
    if ((events & DB_WANTS_READ) != 0) {
        read_answers(pipeline);
    }
    if (pipeline->connection != NULL && (PQstatus(pipeline->connection) == CONNECTION_BAD ||
                                         ((pipeline->wants & DB_WANTS_WRITE) != 0 && !pipeline_push(pipeline)))) {
        pipeline_lost(pipeline);
    }
}

bool db_pipeline_connected(const struct db_pipeline *pipeline)
{
    return pipeline->state == PIPELINE_READY;
}

const struct err *db_pipeline_error(const struct db_pipeline *pipeline)
{
    return pipeline->state == PIPELINE_READY ? NULL : &pipeline->error;
}
