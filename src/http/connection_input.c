/* What a client sends: read when the loop reports bytes, as far as requests may be started now.
 * Not here: the bytes of one request (reader.c), what it is answered (exchange.c). */
#include <errno.h>
#include <string.h>

#include "http/connection.h"
#include "http/server.h"

static void enqueue(struct http_connection *connection, struct http_exchange *exchange)
{
    exchange->in_queue = true;
    if (connection->queue == NULL) {
        connection->queue = exchange;
    } else {
        connection->queue_last->next = exchange;
    }
    connection->queue_last = exchange;
    connection->queue_length++;
}

void connection_refuse(struct http_connection *connection, int status)
{
    struct http_exchange *exchange = connection->receiving;
    connection->receiving = NULL;
    connection->closing = true;
    connection->linger = true;
    buffer_done(&connection->input);
    exchange->request.keep_alive = false;
    exchange->request.head_only = strncmp(buffer_text(&exchange->request.head), "HEAD", 4) == 0;
    if (!exchange->in_queue) {
        enqueue(connection, exchange);
    }
    connection->server->in_flight++;
    http_respond_error(exchange, status);
}

static void complete(struct http_connection *connection)
{
    struct http_exchange *exchange = connection->receiving;
    connection->receiving = NULL;
    connection->used = true;
    connection->closing = !exchange->request.keep_alive;
    if (!exchange->in_queue) {
        enqueue(connection, exchange);
    }
    exchange->wants_continue = false;
    exchange_dispatch(exchange);
}

/* Reads requests off the bytes, as many as may be started now. Returns how many bytes were used. */
static size_t read_requests(struct http_connection *connection, const char *data, size_t length)
{
    const struct http_limits *limits = &connection->server->options.limits;
    size_t at = 0;
    while (at < length && !connection->closing) {
        if (connection->receiving == NULL) {
            if (connection_is_full(connection)) {
                break;
            }
            connection->receiving = exchange_new(connection->server, connection);
            if (connection->receiving == NULL) {
                connection_reset(connection);
                return length;
            }
            reader_init(&connection->reader);
        }
        struct http_exchange *exchange = connection->receiving;
        size_t used = 0;
        enum reader_event event =
            reader_feed(&connection->reader, &exchange->request, limits, data + at, length - at, &used);
        at += used;
        connection->unread = length - at;
        if (event == READER_REFUSED) {
            connection_refuse(connection, connection->reader.status);
        } else if (event == READER_COMPLETE) {
            complete(connection);
        } else if (event == READER_GOT_HEAD) {
            exchange->wants_continue = exchange->request.expects_continue && at == length;
            enqueue(connection, exchange);
            connection_advance(connection);
        } else if (exchange->request.head.length == 0) {
            connection->receiving = NULL; /* nothing but an empty line: no request has begun */
            exchange_release(exchange);
        }
    }
    connection->unread = 0;
    if (!connection->closing) {
        return at;
    }
    connection->linger |= at < length; /* what follows the last request is dropped, not left unread */
    return length;
}

static void end_of_input(struct http_connection *connection)
{
    struct http_exchange *receiving = connection->receiving;
    connection->ended = true;
    connection->closing = true;
    connection->receiving = NULL;
    if (receiving != NULL && !receiving->in_queue) {
        exchange_release(receiving);
    } else if (receiving != NULL) {
        /* A body that ends too soon: there is nobody to answer it for, but those before it get theirs. */
        connection->receiving = receiving;
        connection_refuse(connection, 400);
    }
    if (connection->queue == NULL && connection_output_pending(connection) == 0) {
        connection_close(connection);
    }
}

void connection_receive(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    ssize_t count = recv(connection->fd, server->read_bytes, sizeof(server->read_bytes), 0);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            connection_close(connection);
        }
        return;
    }
    if (connection->lingering) {
        if (count == 0) {
            connection_close(connection);
        }
        return;
    }
    if (count == 0) {
        end_of_input(connection);
        return;
    }
    size_t length = (size_t) count;
    size_t used = read_requests(connection, server->read_bytes, length);
    if (used < length && !connection->closed) {
        buffer_append(&connection->input, server->read_bytes + used, length - used);
        if (buffer_failed(&connection->input)) {
            connection_reset(connection);
        }
    }
}

void connection_resume(struct http_connection *connection)
{
    if (connection->input.length == 0 || connection->closing || connection_is_full(connection)) {
        return;
    }
    /* Out of the connection first, since reading may end it. */
    struct buffer input = connection->input;
    connection->input = (struct buffer) BUFFER_EMPTY;
    size_t used = read_requests(connection, input.data, input.length);
    if (connection->closed || used == input.length) {
        buffer_done(&input);
        return;
    }
    buffer_consume(&input, used);
    connection->input = input;
}
