/* The ways to ask for rows that all resources share: a page, one by its id, those of an owner.
 * Not here: what is special to one resource. */
#include "api/resource.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/validate.h"
#include "digitalism/base/log.h"

enum {
    LIMIT_DEFAULT = 100,
    /* A page over this is held to LONG_LISTS_MAX at a time, because its rows and its text are in memory as a whole. */
    LONG_LIST_ROWS = 1000,
    LONG_LISTS_MAX = 4,
    NUMBER_SIZE = 24
};

static void release(struct api_request *request)
{
    request->worker->long_lists -= request->is_long ? 1 : 0;
    free(request);
}

static void replied(void *argument, const struct db_result *rows, const struct err *err)
{
    struct api_request *request = argument;
    if (rows != NULL) {
        request->finish(request, rows);
    } else {
        /* That the connection is away is logged when it goes. */
        if (!err->transient) {
            log_err(LOG_LEVEL_ERROR, err);
        }
        api_reply_unavailable(request->exchange);
    }
    release(request);
}

void api_ask(const struct api_request *request, enum api_statement statement, const char *const *values)
{
    struct api_worker *worker = request->worker;
    bool is_refused = request->is_long && worker->long_lists >= LONG_LISTS_MAX;
    struct api_request *kept = is_refused ? NULL : malloc(sizeof(*kept));
    if (kept == NULL) {
        api_reply_unavailable(request->exchange);
        return;
    }
    *kept = *request;
    worker->long_lists += kept->is_long ? 1 : 0;
    if (db_pipeline_query(worker->database.pipeline, statement, values, replied, kept, NULL) < 0) {
        api_reply_unavailable(kept->exchange);
        release(kept);
    }
}

void api_write_rows(struct json_writer *json, const struct api_resource *resource, const struct db_result *rows)
{
    json_open_array(json);
    for (size_t row = 0; row < db_result_rows(rows); row++) {
        api_write_row(json, resource->columns, resource->column_count, rows, row);
    }
    json_close_array(json);
}

void api_finish_list(const struct api_request *request, const struct db_result *rows)
{
    BUFFER_AUTO body = BUFFER_EMPTY;
    struct json_writer json = json_writer_init(&body);
    api_write_rows(&json, request->resource, rows);
    api_reply_json(request->exchange, 200, &body);
}

void api_reply_row(const struct api_request *request, const struct db_result *rows)
{
    BUFFER_AUTO body = BUFFER_EMPTY;
    struct json_writer json = json_writer_init(&body);
    api_write_row(&json, request->resource->columns, request->resource->column_count, rows, 0);
    api_reply_json(request->exchange, 200, &body);
}

static void reply_missing(const struct api_request *request)
{
    size_t length = 0;
    const char *id = http_path_parameter(request->exchange, 0, &length);
    /* It is a number, so that it has no NUL; of a very long one the beginning is enough. */
    api_reply_detail(request->exchange, 404, "%s %.40s%s introuvable", request->resource->label, id,
                     length > 40 ? "…" : "");
}

static void finish_get(const struct api_request *request, const struct db_result *rows)
{
    if (db_result_rows(rows) == 0) {
        reply_missing(request);
    } else {
        api_reply_row(request, rows);
    }
}

static void print_number(char text[static NUMBER_SIZE], int64_t number)
{
    (void) snprintf(text, NUMBER_SIZE, "%lld", (long long) number);
}

void api_list(struct http_exchange *exchange, struct api_worker *worker, const struct api_resource *resource,
              enum api_statement statement)
{
    struct api_faults faults;
    int64_t skip = 0;
    int64_t limit = 0;
    api_faults_init(&faults);
    bool is_valid = api_query_count(&faults, exchange, "skip", 0, &skip);
    is_valid = api_query_count(&faults, exchange, "limit", LIMIT_DEFAULT, &limit) && is_valid;
    if (!is_valid) {
        api_faults_reply(&faults, exchange);
        return;
    }
    char skip_text[NUMBER_SIZE];
    char limit_text[NUMBER_SIZE];
    print_number(skip_text, skip);
    print_number(limit_text, limit);
    const char *values[] = {skip_text, limit_text};
    const struct api_request request = {.worker = worker,
                                        .exchange = exchange,
                                        .resource = resource,
                                        .finish = api_finish_list,
                                        .is_long = limit > LONG_LIST_ROWS};
    api_ask(&request, statement, values);
}

/* The routes with one id in their path differ in what they ask and what they say to no row. */
static void ask_by_id(const struct api_request *request, enum api_statement statement, const char *id_name)
{
    struct api_faults faults;
    int64_t id = 0;
    api_faults_init(&faults);
    if (!api_path_id(&faults, request->exchange, id_name, &id)) {
        api_faults_reply(&faults, request->exchange);
        return;
    }
    char text[NUMBER_SIZE];
    print_number(text, id);
    const char *values[] = {text};
    api_ask(request, statement, values);
}

void api_get(struct http_exchange *exchange, struct api_worker *worker, const struct api_resource *resource,
             enum api_statement statement)
{
    const struct api_request request = {
        .worker = worker, .exchange = exchange, .resource = resource, .finish = finish_get};
    ask_by_id(&request, statement, resource->id_name);
}

void api_list_of(struct http_exchange *exchange, struct api_worker *worker, const struct api_resource *resource,
                 enum api_statement statement, const struct api_resource *owner)
{
    const struct api_request request = {
        .worker = worker, .exchange = exchange, .resource = resource, .finish = api_finish_list};
    ask_by_id(&request, statement, owner->id_name);
}
