/* The pipeline's queries: queueing, sending with one Sync a turn, and matching the answers to them in order.
 * Not here: the connection's life (pipeline.c). */
#include "db/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

/* Sent again, a query gets a Sync of its own, so that no neighbour can drop it twice; this only bounds a server that
 * does not keep to that. */
enum { ATTEMPTS_MAX = 3 };

static void queue_append(struct pipeline_queue *queue, struct pipeline_query *query)
{
    query->next = NULL;
    if (queue->first == NULL) {
        queue->first = query;
    } else {
        queue->last->next = query;
    }
    queue->last = query;
}

static struct pipeline_query *queue_take(struct pipeline_queue *queue)
{
    struct pipeline_query *query = queue->first;
    if (query != NULL) {
        queue->first = query->next;
    }
    return query;
}

static void answer(struct db_pipeline *pipeline, struct pipeline_query *query, const struct db_result *rows,
                   const struct err *err)
{
    pipeline->depth -= 1;
    query->reply(query->argument, rows, err);
    free(query);
}

void pipeline_fail_queue(struct db_pipeline *pipeline, struct pipeline_queue queue, const struct err *err)
{
    for (struct pipeline_query *query = queue_take(&queue); query != NULL; query = queue_take(&queue)) {
        answer(pipeline, query, NULL, err);
    }
}

static struct pipeline_query *query_new(const struct db_statement *statement, const char *const *values)
{
    size_t count = (size_t) statement->parameter_count;
    size_t bytes = sizeof(struct pipeline_query) + count * sizeof(char *);
    for (size_t i = 0; i < count; i++) {
        bytes += values[i] == NULL ? 0 : strlen(values[i]) + 1;
    }
    struct pipeline_query *query = malloc(bytes);
    if (query == NULL) {
        return NULL;
    }
    char *text = (char *) &query->values[count];
    for (size_t i = 0; i < count; i++) {
        query->values[i] = NULL;
        if (values[i] != NULL) {
            size_t length = strlen(values[i]) + 1;
            memcpy(text, values[i], length);
            query->values[i] = text;
            text += length;
        }
    }
    return query;
}

/* Connected, or about to be: early queries wait for an attempt that has just begun. */
static bool accepts_queries(const struct db_pipeline *pipeline)
{
    return pipeline->state == PIPELINE_READY ||
           (pipeline->state != PIPELINE_DISCONNECTED && clock_now_ms() < pipeline->patience_ms);
}

int db_pipeline_query(struct db_pipeline *pipeline, size_t statement, const char *const *values, db_reply *reply,
                      void *argument, struct err *err)
{
    if (!accepts_queries(pipeline)) {
        if (err != NULL) {
            *err = pipeline->error;
        }
        return -(int) ERR_DATABASE;
    }
    struct pipeline_query *query = NULL;
    if (pipeline->depth < pipeline->options.queue_max) {
        query = query_new(&pipeline->options.statements[statement], values);
    }
    if (query == NULL) {
        (void) err_set(err, ERR_DATABASE, "%zu queries are already waiting for %s", pipeline->depth,
                       db_target_text(pipeline->options.target));
        if (err != NULL) {
            err->transient = true;
        }
        return -(int) ERR_DATABASE;
    }
    query->reply = reply;
    query->argument = argument;
    query->statement = statement;
    query->attempts = 0;
    queue_append(&pipeline->waiting, query);
    pipeline->depth += 1;
    return 0;
}

static bool send_sync(struct db_pipeline *pipeline)
{
    pipeline->syncs += 1;
    return PQpipelineSync(pipeline->connection) == 1;
}

bool pipeline_push(struct db_pipeline *pipeline)
{
    int left = PQflush(pipeline->connection);
    pipeline->wants = left > 0 ? DB_WANTS_READ | DB_WANTS_WRITE : DB_WANTS_READ;
    return left >= 0;
}

static bool send_waiting(struct db_pipeline *pipeline)
{
    bool unsynced = false;
    while (pipeline->waiting.first != NULL) {
        struct pipeline_query *query = queue_take(&pipeline->waiting);
        bool again = query->attempts > 0;
        query->is_led = pipeline->is_pooled && (again || !unsynced);
        bool sent = (!again || !unsynced || send_sync(pipeline)) &&
                    (!query->is_led || pipeline_send_settings(pipeline)) && pipeline_send_query(pipeline, query) &&
                    (!again || send_sync(pipeline));
        query->attempts += 1;
        queue_append(&pipeline->in_flight, query);
        unsynced = !again;
        if (!sent) {
            return false;
        }
    }
    return (!unsynced || send_sync(pipeline)) && pipeline_push(pipeline);
}

void db_pipeline_flush(struct db_pipeline *pipeline)
{
    if (pipeline->state == PIPELINE_READY && pipeline->waiting.first != NULL) {
        if (pipeline->in_flight.first == NULL) {
            pipeline->progress_ms = clock_now_ms();
        }
        if (!send_waiting(pipeline)) {
            pipeline_lost(pipeline);
        }
    }
}

static void take_query_result(struct db_pipeline *pipeline, PGresult *result)
{
    struct pipeline_query *query = queue_take(&pipeline->in_flight);
    ExecStatusType status = PQresultStatus(result);
    struct err err;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        struct db_result rows = {.pg = result};
        answer(pipeline, query, &rows, NULL);
    } else if (query->attempts < ATTEMPTS_MAX &&
               (status == PGRES_PIPELINE_ABORTED || (query->is_prepared && pipeline_distrust(pipeline, result)))) {
        queue_append(&pipeline->waiting, query);
    } else {
        (void) db_error_result(&err, result);
        answer(pipeline, query, NULL, &err);
    }
}

/* Where the settings failed, the server has dropped the query behind them, and it is sent again. */
static void take_result(struct db_pipeline *pipeline, PGresult *result)
{
    if (pipeline->in_flight.first->is_led) {
        pipeline->in_flight.first->is_led = false;
    } else {
        take_query_result(pipeline, result);
    }
}

void pipeline_receive(struct db_pipeline *pipeline)
{
    while (pipeline->connection != NULL && pipeline->syncs > 0 && PQisBusy(pipeline->connection) == 0) {
        PGresult *result = PQgetResult(pipeline->connection);
        if (result == NULL) {
            if (!pipeline->head_answered) {
                break;
            }
            pipeline->head_answered = false;
            continue;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            pipeline->syncs -= 1;
            if (pipeline->state == PIPELINE_PREPARING) {
                pipeline_session_ready(pipeline);
            }
        } else if (pipeline->session_results > 0) {
            pipeline->head_answered = pipeline_take_session_result(pipeline, result);
        } else if (pipeline->in_flight.first != NULL) {
            pipeline->head_answered = true;
            take_result(pipeline, result);
        }
        PQclear(result);
    }
}

size_t db_pipeline_depth(const struct db_pipeline *pipeline)
{
    return pipeline->depth;
}
