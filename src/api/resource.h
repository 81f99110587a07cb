/* What the three resources have in common: their columns, and the ways to ask for their rows.
 * Not here: their routes (regions.c, departments.c, cities.c). */
#ifndef DIGITALISM_API_RESOURCE_H
#define DIGITALISM_API_RESOURCE_H

#include "api/reply.h"
#include "api/statements.h"
#include "api/worker.h"

struct api_resource {
    const char *id_name; /* of its path parameter, as faults call it */
    const char *label;   /* before an id, in texts for people */
    const struct api_column *columns;
    size_t column_count;
};

extern const struct api_resource api_regions;
extern const struct api_resource api_departments;
extern const struct api_resource api_cities;

/* One request while PostgreSQL is asked. */
struct api_request;
/* Turns the rows into the answer. */
typedef void api_finish(const struct api_request *request, const struct db_result *rows);

struct api_request {
    struct api_worker *worker;
    struct http_exchange *exchange;
    const struct api_resource *resource;
    api_finish *finish;
    bool is_long; /* counted in the worker's long_lists */
};

/* Asks PostgreSQL and answers when it has: by `finish`, or with 503. */
void api_ask(const struct api_request *request, enum api_statement statement, const char *const *values);

/* GET of a page of all live rows: ?skip=0&limit=100. */
void api_list(struct http_exchange *exchange, struct api_worker *worker, const struct api_resource *resource,
              enum api_statement statement);

/* GET of one row by its id: 404 when there is none. */
void api_get(struct http_exchange *exchange, struct api_worker *worker, const struct api_resource *resource,
             enum api_statement statement);

/* GET of the rows that belong to the id of another resource: an empty list when there are none. */
void api_list_of(struct http_exchange *exchange, struct api_worker *worker, const struct api_resource *resource,
                 enum api_statement statement, const struct api_resource *owner);

/* Answers 200 with all rows as an array. An api_finish. */
void api_finish_list(const struct api_request *request, const struct db_result *rows);

/* Answers 200 with the first row. */
void api_reply_row(const struct api_request *request, const struct db_result *rows);

/* Writes all rows as an array. */
void api_write_rows(struct json_writer *json, const struct api_resource *resource, const struct db_result *rows);

#endif
