/* The head of an answer as bytes, and the Date in it.
 * Not here: when it is sent (connection.h). */
#ifndef DIGITALISM_HTTP_RESPONSE_H
#define DIGITALISM_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "digitalism/base/buffer.h"

#define RESPONSE_DATE_SIZE 30 /* "Sun, 22 Nov 2026 10:33:47 GMT" and its NUL */

/* A Date that is formatted once a second (RFC 9110, 6.6.1). */
struct response_date {
    time_t second;
    char text[RESPONSE_DATE_SIZE];
};
const char *response_date(struct response_date *date, time_t now);

enum response_connection { RESPONSE_IMPLICIT, RESPONSE_KEEP_ALIVE, RESPONSE_CLOSE };

struct response_head {
    int status;
    const char *date;
    const char *request_id;
    const struct buffer *headers; /* whole lines */
    size_t content_length;
    enum response_connection connection;
};

void response_append_head(struct buffer *out, const struct response_head *head);

/* Appends a header line. Control characters in the value become spaces: no value can end its line. */
void response_append_header(struct buffer *out, const char *name, const char *value);

#endif
