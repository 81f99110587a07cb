/* One client's connection from its first byte to its end: what it waits for, its limits, who holds what.
 * Not here: its requests (connection_input.c), its answers (connection_output.c). */
#include "http/connection.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digitalism/base/clock.h"
#include "http/server.h"

struct http_connection *connection_of_read_limit(struct deadline *deadline)
{
    return (struct http_connection *) (void *) ((char *) deadline - offsetof(struct http_connection, read_limit));
}

struct http_connection *connection_of_write_limit(struct deadline *deadline)
{
    return (struct http_connection *) (void *) ((char *) deadline - offsetof(struct http_connection, write_limit));
}

void connection_mark_dirty(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (connection->dirty || connection->closed) {
        return;
    }
    connection->dirty = true;
    connection->dirty_previous = server->dirty_last;
    connection->dirty_next = NULL;
    if (server->dirty_last == NULL) {
        server->dirty_first = connection;
    } else {
        server->dirty_last->dirty_next = connection;
    }
    server->dirty_last = connection;
}

void connection_unmark_dirty(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (!connection->dirty) {
        return;
    }
    if (connection->dirty_previous == NULL) {
        server->dirty_first = connection->dirty_next;
    } else {
        connection->dirty_previous->dirty_next = connection->dirty_next;
    }
    if (connection->dirty_next == NULL) {
        server->dirty_last = connection->dirty_previous;
    } else {
        connection->dirty_next->dirty_previous = connection->dirty_previous;
    }
    connection->dirty = false;
}

size_t connection_output_pending(const struct http_connection *connection)
{
    return connection->output.length - connection->output_sent;
}

bool connection_is_full(const struct http_connection *connection)
{
    return connection->queue_length >= connection->server->options.limits.pipelined ||
           connection_output_pending(connection) > CONNECTION_OUTPUT_BYTES_MAX;
}

static bool is_paused(const struct http_connection *connection)
{
    return connection->input.length > 0 || (connection->receiving == NULL && connection_is_full(connection));
}

static bool is_idle(const struct http_connection *connection)
{
    return connection->receiving == NULL && connection->queue == NULL && connection->sending == NULL &&
           connection->input.length == 0 && connection->output.length == 0;
}

/* The limit that the reading side is under now. */
static enum deadline_kind read_limit_kind(const struct http_connection *connection)
{
    if (connection->lingering) {
        return DEADLINE_LINGER;
    }
    if (connection->closing || is_paused(connection)) {
        return DEADLINE_NONE;
    }
    if (connection->receiving != NULL) {
        if (connection->reader.step != READER_HEAD) {
            return DEADLINE_BODY;
        }
        return connection->server->draining ? DEADLINE_FIRST : DEADLINE_HEADER;
    }
    if (!is_idle(connection)) {
        return DEADLINE_NONE;
    }
    return connection->server->draining ? DEADLINE_FIRST : DEADLINE_KEEP_ALIVE;
}

static void update_read_limit(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    enum deadline_kind kind = read_limit_kind(connection);
    if (kind == connection->read_limit.kind && connection->limited == connection->receiving) {
        return;
    }
    connection->limited = connection->receiving;
    if (kind == DEADLINE_NONE) {
        deadline_stop(&server->limits, &connection->read_limit);
    } else {
        server_deadline_start(server, &connection->read_limit, kind);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events);

void connection_update(struct http_connection *connection)
{
    if (connection->closed) {
        return;
    }
    int events = connection->blocked ? UV_WRITABLE : 0;
    if (connection->lingering || (!connection->closing && !is_paused(connection))) {
        events |= UV_READABLE;
    }
    if (events != connection->events) {
        connection->events = events;
        int status = events == 0 ? uv_poll_stop(&connection->poll) : uv_poll_start(&connection->poll, events, on_poll);
        if (status < 0) {
            connection_close(connection);
            return;
        }
    }
    update_read_limit(connection);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Lets go of an exchange: one that a handler holds lives on without its client, any other is over. */
static void detach(struct http_exchange *exchange, bool is_with_handler)
{
    memcpy(exchange->client, exchange->connection->client, sizeof(exchange->client));
    exchange->connection = NULL;
    exchange->next = NULL;
    if (!is_with_handler) {
        exchange_release(exchange);
    }
}

static void detach_all(struct http_connection *connection)
{
    struct http_exchange *receiving = connection->receiving;
    if (receiving != NULL && !receiving->in_queue) {
        detach(receiving, false);
    }
    while (connection->queue != NULL) {
        struct http_exchange *exchange = connection->queue;
        connection->queue = exchange->next;
        detach(exchange, exchange != receiving && !exchange->answered);
    }
    while (connection->sending != NULL) {
        struct http_exchange *exchange = connection->sending;
        connection->sending = exchange->next;
        detach(exchange, false);
    }
    connection->receiving = NULL;
}

void connection_close(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (connection->closed) {
        return;
    }
    connection->closed = true;
    connection_unmark_dirty(connection);
    deadline_stop(&server->limits, &connection->read_limit);
    deadline_stop(&server->limits, &connection->write_limit);
    detach_all(connection);
    buffer_done(&connection->input);
    buffer_done(&connection->output);
    if (connection->previous == NULL) {
        server->connections = connection->next;
    } else {
        connection->previous->next = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    (void) uv_poll_stop(&connection->poll);
    uv_close((uv_handle_t *) &connection->poll, on_closed);
    (void) close(connection->fd);
    server_connection_closed(server);
}

void connection_reset(struct http_connection *connection)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void) setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    connection_close(connection);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct http_connection *connection = poll->data;
    if (status < 0) {
        connection_close(connection);
        return;
    }
    if ((events & UV_WRITABLE) != 0) {
        connection->blocked = false;
        connection_mark_dirty(connection);
    }
    if ((events & UV_READABLE) != 0) {
        connection_receive(connection);
    }
    connection_update(connection);
}

void connection_expired(struct http_connection *connection, enum deadline_kind kind)
{
    if (kind == DEADLINE_WRITE) {
        connection_reset(connection);
    } else if (connection->receiving != NULL) {
        connection_refuse(connection, 408);
        connection_update(connection);
    } else {
        connection_close(connection);
    }
}

void connection_drain(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (!connection->closing && !is_paused(connection)) {
        connection_receive(connection);
    }
    if (connection->closed) {
        return;
    }
    int64_t age_ms = clock_now_ms() - connection->opened_ms;
    if (is_idle(connection) && (connection->used || age_ms >= server->limits.duration_ms[DEADLINE_FIRST])) {
        connection_close(connection);
        return;
    }
    connection_update(connection);
}

static void format_client(char *out, size_t size, const struct sockaddr_storage *address)
{
    const char *text = NULL;
    if (address->ss_family == AF_INET) {
        text =
            inet_ntop(AF_INET, &((const struct sockaddr_in *) (const void *) address)->sin_addr, out, (socklen_t) size);
    } else if (address->ss_family == AF_INET6) {
        const struct in6_addr *in6 = &((const struct sockaddr_in6 *) (const void *) address)->sin6_addr;
        text = IN6_IS_ADDR_V4MAPPED(in6) ? inet_ntop(AF_INET, &in6->s6_addr[12], out, (socklen_t) size)
                                         : inet_ntop(AF_INET6, in6, out, (socklen_t) size);
    }
    if (text == NULL) {
        (void) snprintf(out, size, "-");
    }
}

void connection_open(struct http_server *server, int fd, const struct sockaddr_storage *address)
{
    struct http_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        (void) close(fd);
        return;
    }
    if (uv_poll_init(&server->loop, &connection->poll, fd) < 0) {
        (void) close(fd);
        free(connection);
        return;
    }
    connection->poll.data = connection;
    connection->server = server;
    connection->fd = fd;
    connection->opened_ms = clock_now_ms();
    connection->read_limit.kind = DEADLINE_NONE;
    connection->write_limit.kind = DEADLINE_NONE;
    format_client(connection->client, sizeof(connection->client), address);
    reader_init(&connection->reader);
    connection->next = server->connections;
    if (server->connections != NULL) {
        server->connections->previous = connection;
    }
    server->connections = connection;
    server->connection_count++;
    connection_update(connection);
}
