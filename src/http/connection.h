/* One client's connection: what it sends, the answers in order, its limits, its end.
 * Not here: accepting it (server.h). */
#ifndef DIGITALISM_HTTP_CONNECTION_H
#define DIGITALISM_HTTP_CONNECTION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "http/deadline.h"
#include "http/exchange.h"
#include "http/reader.h"

/* Answers that wait for the client to read, over which no further requests are read. */
#define CONNECTION_OUTPUT_BYTES_MAX 262144

struct http_connection {
    uv_poll_t poll;
    struct http_server *server;
    struct http_connection *previous;
    struct http_connection *next;
    struct http_connection *dirty_previous;
    struct http_connection *dirty_next;
    int fd;
    int events; /* UV_READABLE, UV_WRITABLE */
    struct reader reader;
    struct buffer input;             /* received, but not read yet, while reading is paused */
    struct buffer output;            /* answers; empty and without memory while idle */
    size_t output_sent;              /* of `output` */
    uint64_t bytes_out;              /* handed to the kernel in all */
    struct http_exchange *receiving; /* its request is not complete */
    struct http_exchange *queue;     /* received, in order, not answered yet or behind one that is not */
    struct http_exchange *queue_last;
    size_t queue_length;
    size_t unread;                 /* bytes at hand behind the request that is being handled */
    struct http_exchange *sending; /* answered, not sent yet */
    struct http_exchange *sending_last;
    struct deadline read_limit;
    struct deadline write_limit;
    struct http_exchange *limited; /* whose head or body read_limit is for */
    int64_t opened_ms;
    bool dirty;
    bool ended;     /* the client sends no more */
    bool closing;   /* no further request is read; closed when the answers are sent */
    bool lingering; /* all is sent; what the client still sends is dropped */
    bool linger;    /* the end comes from us, so that unread bytes must not reset the answer away */
    bool blocked;   /* the kernel takes no more */
    bool used;      /* a request was complete */
    bool closed;
    char client[INET6_ADDRSTRLEN];
};

/* Takes over the descriptor. On failure it is closed and nothing else happens. */
void connection_open(struct http_server *server, int fd, const struct sockaddr_storage *address);

/* Ends it at once; exchanges that handlers still hold live on without it. */
void connection_close(struct http_connection *connection);

void connection_expired(struct http_connection *connection, enum deadline_kind kind);

/* The steps of a turn's end: first reads what had to wait, later sends all that is answered. */
void connection_resume(struct http_connection *connection);
void connection_flush(struct http_connection *connection);

/* The server drains: reads once more what is there already, and ends an idle connection. */
void connection_drain(struct http_connection *connection);

/* Gives an answer its place: into the output when it is its turn, else into the exchange until then. */
void connection_answer(struct http_connection *connection, struct http_exchange *exchange, const char *body,
                       size_t length);

/* Between the files of a connection. */

/* Has the connection looked at when the turn ends. */
void connection_mark_dirty(struct http_connection *connection);
void connection_unmark_dirty(struct http_connection *connection);

/* Brings what the loop watches and the limits into line with the connection's state. */
void connection_update(struct http_connection *connection);

/* Drops the connection and what the kernel still holds for it. */
void connection_reset(struct http_connection *connection);

/* One read; the loop reports again what is left. */
void connection_receive(struct http_connection *connection);

/* Answers a request that cannot be read any further, behind those before it, and reads nothing more. */
void connection_refuse(struct http_connection *connection, int status);

/* Puts what is ready at the front of the queue into the output, as far as the order allows. */
void connection_advance(struct http_connection *connection);

size_t connection_output_pending(const struct http_connection *connection); /* bytes */
bool connection_is_full(const struct http_connection *connection);          /* no further request may be started now */

struct http_connection *connection_of_read_limit(struct deadline *deadline);
struct http_connection *connection_of_write_limit(struct deadline *deadline);

#endif
