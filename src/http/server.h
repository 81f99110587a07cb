/* What the files of the server share about it: the loop, the listener, the connections, the turn.
 * Not here: one connection (connection.h). */
#ifndef DIGITALISM_HTTP_SERVER_H
#define DIGITALISM_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "http/deadline.h"
#include "http/exchange.h"
#include "http/response.h"
#include "http/router.h"

enum {
    SERVER_READ_BYTES = 65536,         /* one read; the buffer is shared by all connections */
    SERVER_UNUSED_EXCHANGES_MAX = 256, /* kept for the next requests */
    SERVER_UNUSED_BUFFERS_MAX = 64,    /* kept for the next answers */
    SERVER_BUFFER_BYTES_MAX = 65536,   /* a larger one is not kept */
};

struct http_server {
    struct http_options options; /* limits filled in */
    struct router *router;
    uv_loop_t loop;
    uv_poll_t listener;
    uv_prepare_t turn;    /* at the end of each turn, before the loop sleeps */
    uv_idle_t wake;       /* active: the loop does not sleep, since a turn left work behind */
    uv_timer_t deadlines; /* the next of `limits` */
    uv_timer_t accept_again;
    struct deadline_lists limits;
    int64_t deadlines_due_ms; /* CLOCK_NEVER: the timer is not running */
    bool listening;
    bool accept_paused;
    bool drain_wanted;
    bool draining;
    struct http_connection *connections;
    size_t connection_count;
    struct http_connection *dirty_first; /* have something to do at the end of the turn */
    struct http_connection *dirty_last;
    struct http_exchange *live; /* in use, on a connection or waiting for a handler whose client has gone */
    struct http_exchange *unused;
    size_t unused_count;
    size_t in_flight;
    uint64_t next_id;
    void (*on_turn)(void *argument);
    void *on_turn_argument;
    struct response_date date;
    struct buffer buffers[SERVER_UNUSED_BUFFERS_MAX]; /* empty, with memory */
    size_t buffer_count;
    struct buffer scratch; /* bodies of error_body */
    char read_bytes[SERVER_READ_BYTES];
};

/* Keeps the loop from sleeping, so that another turn follows this one at once. */
void server_wake(struct http_server *server);

/* Buffers go from one connection's output to the next one's, so that an idle connection needs none. */
void server_take_buffer(struct http_server *server, struct buffer *buffer);
void server_give_buffer(struct http_server *server, struct buffer *buffer);

/* Starts or restarts a limit of a connection. */
void server_deadline_start(struct http_server *server, struct deadline *deadline, enum deadline_kind kind);

/* A connection is gone: a waiting one can be accepted, a drained server is done. */
void server_connection_closed(struct http_server *server);

#endif
