/* A server's exchange that a test fills in and looks at, in the place of the real one (src/http).
 * Not here: any behaviour of HTTP. */
#ifndef DIGITALISM_TEST_EXCHANGE_H
#define DIGITALISM_TEST_EXCHANGE_H

#include <string.h>

#include "digitalism/base/buffer.h"
#include "digitalism/http.h"

struct http_exchange {
    const char *parameter;
    size_t parameter_length;
    const char *query_names[4];
    const char *query_values[4];
    int status; /* 0: not answered */
    unsigned answers;
    char body[4096];
    char retry_after[8];
};

const char *http_path_parameter(const struct http_exchange *exchange, size_t n, size_t *length)
{
    if (length != NULL) {
        *length = exchange->parameter_length;
    }
    return n == 0 ? exchange->parameter : NULL;
}

const char *http_query(const struct http_exchange *exchange, const char *name, size_t *length)
{
    for (size_t i = 0; i < 4 && exchange->query_names[i] != NULL; i++) {
        if (strcmp(exchange->query_names[i], name) == 0) {
            *length = strlen(exchange->query_values[i]);
            return exchange->query_values[i];
        }
    }
    return NULL;
}

void http_respond_header(struct http_exchange *exchange, const char *name, const char *value)
{
    if (strcmp(name, "Retry-After") == 0) {
        (void) strncpy(exchange->retry_after, value, sizeof(exchange->retry_after) - 1);
    }
}

void http_respond(struct http_exchange *exchange, int status, const char *content_type, const char *body, size_t length)
{
    exchange->status = status;
    exchange->answers += 1;
    if (content_type != NULL && length < sizeof(exchange->body)) {
        memcpy(exchange->body, body, length);
        exchange->body[length] = '\0';
    }
}

void http_respond_error(struct http_exchange *exchange, int status)
{
    http_respond(exchange, status, NULL, NULL, 0);
}

#endif
