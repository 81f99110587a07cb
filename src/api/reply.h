/* Answers of the API: JSON bodies, error bodies, and rows as JSON.
 * Not here: which answer a route gives. */
#ifndef DIGITALISM_API_REPLY_H
#define DIGITALISM_API_REPLY_H

#include <stddef.h>

#include "digitalism/base/buffer.h"
#include "digitalism/db.h"
#include "digitalism/http.h"
#include "digitalism/json.h"

#define API_JSON_TYPE "application/json; charset=utf-8"

/* How a column of a text result is written. */
enum api_form { API_FORM_NUMBER, API_FORM_TEXT, API_FORM_TIME };

/* A key of an answer and its column: the n-th of the table is the n-th of the result. */
struct api_column {
    const char *name;
    enum api_form form;
};

/* Sends the body; 500 when it could not get its memory. */
void api_reply_json(struct http_exchange *exchange, int status, const struct buffer *body);

/* Sends {"detail": text}. */
void api_reply_detail(struct http_exchange *exchange, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 503 with Retry-After: PostgreSQL is away, or there is too much to do. */
void api_reply_unavailable(struct http_exchange *exchange);

/* The body of an answer that the server makes by itself (http_error_body). */
void api_error_body(struct buffer *body, int status, void *context);

/* Writes one row as an object. */
void api_write_row(struct json_writer *json, const struct api_column *columns, size_t count,
                   const struct db_result *rows, size_t row);

/* Appends PostgreSQL's `2026-11-22 08:58:07.16+00` (UTC, ISO) as `2026-11-22T08:58:07.160000Z`; another text as it is.
 */
void api_write_time(struct json_writer *json, const char *text);

#endif
