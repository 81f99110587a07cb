/* One request: its text and what was understood of it. The only file beside request.c that knows how a head is read.
 * Not here: how bytes become a whole head or body (reader.h). */
#ifndef DIGITALISM_HTTP_REQUEST_H
#define DIGITALISM_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/http.h"

#define REQUEST_ID_BYTES_MAX 128 /* a longer X-Request-ID is replaced by one of ours */

struct request_field {
    const char *name; /* as received */
    const char *value;
};

struct request {
    struct buffer head; /* request line and headers; cut by NULs into the texts below once it was parsed */
    struct buffer body;
    struct request_field *fields;
    size_t field_count;
    size_t field_capacity;
    const char *method_name;
    enum http_method method; /* HTTP_METHOD_COUNT: one that no route has */
    char *target;
    const char *path;
    size_t path_length;
    char *query; /* NULL: no question mark */
    size_t query_length;
    const char *request_id; /* NULL: none, or not a sane one */
    uint64_t content_length;
    bool chunked;
    bool head_only; /* HEAD: the answer's body is not sent */
    bool is_http_1_0;
    bool keep_alive;
    bool expects_continue;
    bool is_asterisk; /* OPTIONS * */
};

/* Reads the complete head in request->head (it ends with its empty line). Returns 0, or the status of the refusal.
 * Every deviation that intermediaries are known to read differently is refused, whatever llhttp thinks of it. */
int request_parse(struct request *request, const struct http_limits *limits);

/* A character of a method or a field name (RFC 9110, 5.6.2). */
bool request_is_token(char character);

const char *request_header(const struct request *request, const char *name);

/* The target as it was received. Undoes the cut between path and query: only once the answer is given. */
const char *request_target(struct request *request);

void request_clear(struct request *request); /* keeps the memory, as long as it is not much */
void request_done(struct request *request);

#endif
