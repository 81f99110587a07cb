/* One request with its answer on the way, in the order of its connection.
 * Not here: the bytes' way in (reader.h) and out (connection.h). */
#ifndef DIGITALISM_HTTP_EXCHANGE_H
#define DIGITALISM_HTTP_EXCHANGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/request.h"
#include "http/router.h"

#define EXCHANGE_ID_SIZE 17 /* 16 hexadecimal digits and a NUL */

struct http_connection;

struct http_exchange {
    struct http_server *server;
    struct http_connection *connection; /* NULL once the client has gone */
    struct http_exchange *next;         /* on its connection, or among the unused */
    struct http_exchange *live_previous;
    struct http_exchange *live_next;
    struct request request;
    struct router_match match;
    struct buffer decoded; /* path segments, then query pairs */
    struct buffer queries; /* of struct decode_pair, once a query parameter was asked for */
    bool query_is_decoded;
    char own_id[EXCHANGE_ID_SIZE];
    int64_t started_us;
    char client[INET6_ADDRSTRLEN]; /* once the client has gone; else it is the connection's */
    /* The answer. */
    bool in_queue;
    bool wants_continue; /* 100 is to be sent when it is this exchange's turn */
    bool answered;
    int status;
    struct buffer headers;
    struct buffer body; /* while earlier answers are not given yet */
    uint64_t body_bytes;
    uint64_t ends_at; /* of the connection's bytes out: the answer is sent when so many are */
};

/* Takes an unused one or makes one. NULL when memory is short. */
struct http_exchange *exchange_new(struct http_server *server, struct http_connection *connection);

/* Tells the access log, when there was an answer, and gives the exchange back. */
void exchange_release(struct http_exchange *exchange);

void exchange_free(struct http_exchange *exchange);

const char *exchange_id(const struct http_exchange *exchange);

/* Finds the route of a complete request and runs its handler, or answers by itself. */
void exchange_dispatch(struct http_exchange *exchange);

#endif
