/* One client's connection from its first byte to its end. Reading happens when the loop reports bytes, writing once at
 * the end of a turn, with all answers that are ready by then.
 * Not here: reading a request's bytes (reader.c), what is answered (exchange.c). */
#include "http/connection.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

static void mark_dirty(struct http_connection *connection)
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

static void unmark_dirty(struct http_connection *connection)
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

static size_t output_pending(const struct http_connection *connection)
{
    return connection->output.length - connection->output_sent;
}

/* No further request may be started now. */
static bool is_full(const struct http_connection *connection)
{
    return connection->queue_length >= connection->server->options.limits.pipelined ||
           output_pending(connection) > CONNECTION_OUTPUT_BYTES_MAX;
}

static bool is_paused(const struct http_connection *connection)
{
    return connection->input.length > 0 || (connection->receiving == NULL && is_full(connection));
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

/* Brings what the loop watches and the limits into line with the connection's state. */
static void update(struct http_connection *connection)
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
    unmark_dirty(connection);
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

/* Drops the connection and what the kernel still holds for it. */
static void reset(struct http_connection *connection)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void) setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    connection_close(connection);
}

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

/* Moves the first of the queue to those that are being sent, its answer's bytes into the output. */
static void send_first(struct http_connection *connection, const char *body, size_t length)
{
    struct http_server *server = connection->server;
    struct http_exchange *exchange = connection->queue;
    const struct request *request = &exchange->request;
    bool is_last = exchange->next == NULL && connection->receiving == NULL && connection->input.length == 0 &&
                   connection->unread == 0;
    bool closes = !request->keep_alive || (server->draining && is_last);
    struct response_head head = {
        .status = exchange->status,
        .date = response_date(&server->date, time(NULL)),
        .request_id = exchange_id(exchange),
        .headers = &exchange->headers,
        .content_length = length,
        .connection = closes                 ? RESPONSE_CLOSE
                      : request->is_http_1_0 ? RESPONSE_KEEP_ALIVE
                                             : RESPONSE_IMPLICIT,
    };
    if (connection->output.data == NULL) {
        server_take_buffer(server, &connection->output);
    }
    response_append_head(&connection->output, &head);
    exchange->body_bytes = request->head_only || exchange->status == 204 || exchange->status == 304 ? 0 : length;
    buffer_append(&connection->output, body, (size_t) exchange->body_bytes);
    connection->output.failed |= buffer_failed(&exchange->headers) || buffer_failed(&exchange->body);
    exchange->ends_at = connection->bytes_out + output_pending(connection);
    if (closes && !connection->closing) {
        connection->closing = true;
        connection->linger = true;
    }
    connection->queue = exchange->next;
    connection->queue_length--;
    exchange->next = NULL;
    if (connection->sending == NULL) {
        connection->sending = exchange;
    } else {
        connection->sending_last->next = exchange;
    }
    connection->sending_last = exchange;
}

/* Sends what is ready at the front of the queue, as far as the order allows. */
static void advance(struct http_connection *connection)
{
    while (connection->queue != NULL && connection->queue->answered) {
        send_first(connection, buffer_text(&connection->queue->body), connection->queue->body.length);
    }
    struct http_exchange *first = connection->queue;
    if (first != NULL && first->wants_continue && first == connection->receiving && !connection->closing) {
        static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
        first->wants_continue = false;
        buffer_append(&connection->output, interim, sizeof(interim) - 1);
        mark_dirty(connection);
    }
}

void connection_answer(struct http_connection *connection, struct http_exchange *exchange, const char *body,
                       size_t length)
{
    if (connection->queue == exchange) {
        send_first(connection, body, length);
        advance(connection);
    } else {
        buffer_append(&exchange->body, body, length);
    }
    mark_dirty(connection);
}

/* Answers a request that cannot be read any further, behind those before it, and reads nothing more. */
static void refuse(struct http_connection *connection, int status)
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
            if (is_full(connection)) {
                break;
            }
            connection->receiving = exchange_new(connection->server, connection);
            if (connection->receiving == NULL) {
                reset(connection);
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
            refuse(connection, connection->reader.status);
        } else if (event == READER_COMPLETE) {
            complete(connection);
        } else if (event == READER_GOT_HEAD) {
            exchange->wants_continue = exchange->request.expects_continue && at == length;
            enqueue(connection, exchange);
            advance(connection);
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
        refuse(connection, 400);
    }
    if (connection->queue == NULL && output_pending(connection) == 0) {
        connection_close(connection);
    }
}

/* One read; the loop reports again what is left. */
static void receive(struct http_connection *connection)
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
            reset(connection);
        }
    }
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
        mark_dirty(connection);
    }
    if ((events & UV_READABLE) != 0) {
        receive(connection);
    }
    update(connection);
}

void connection_resume(struct http_connection *connection)
{
    if (connection->input.length == 0 || connection->closing || is_full(connection)) {
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

/* The last answer is out. Unread bytes would make the kernel reset the connection, and the answer with it. */
static void finish(struct http_connection *connection)
{
    if (!connection->linger || connection->ended || shutdown(connection->fd, SHUT_WR) != 0) {
        connection_close(connection);
        return;
    }
    connection->lingering = true;
}

static void release_sent(struct http_connection *connection)
{
    while (connection->sending != NULL && connection->sending->ends_at <= connection->bytes_out) {
        struct http_exchange *exchange = connection->sending;
        connection->sending = exchange->next;
        exchange_release(exchange);
    }
}

/* One write of all that is ready. False when the connection is over. */
static bool write_output(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    size_t pending = output_pending(connection);
    ssize_t count = send(connection->fd, connection->output.data + connection->output_sent, pending, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
        connection_close(connection);
        return false;
    }
    size_t sent = count < 0 ? 0 : (size_t) count;
    connection->output_sent += sent;
    connection->bytes_out += sent;
    connection->blocked = sent < pending;
    if (!connection->blocked) {
        server_give_buffer(server, &connection->output);
        connection->output_sent = 0;
        deadline_stop(&server->limits, &connection->write_limit);
    } else if (sent > 0 || connection->write_limit.kind == DEADLINE_NONE) {
        server_deadline_start(server, &connection->write_limit, DEADLINE_WRITE);
    }
    if (connection->output_sent > CONNECTION_OUTPUT_BYTES_MAX) {
        /* A client that always leaves something unread must not make the sent part grow. */
        buffer_consume(&connection->output, connection->output_sent);
        connection->output_sent = 0;
    }
    release_sent(connection);
    return true;
}

void connection_flush(struct http_connection *connection)
{
    unmark_dirty(connection);
    if (buffer_failed(&connection->output)) {
        reset(connection); /* no memory for a whole answer: half of one would be worse */
        return;
    }
    if (output_pending(connection) > 0 && !connection->blocked && !write_output(connection)) {
        return;
    }
    if (connection->closing && !connection->lingering && connection->queue == NULL && output_pending(connection) == 0) {
        finish(connection);
    } else if (connection->input.length > 0 && !connection->closing && !is_full(connection)) {
        mark_dirty(connection); /* there is room for the next requests now */
        server_wake(connection->server);
    }
    update(connection);
}

void connection_expired(struct http_connection *connection, enum deadline_kind kind)
{
    if (kind == DEADLINE_WRITE) {
        reset(connection);
    } else if (connection->receiving != NULL) {
        refuse(connection, 408);
        update(connection);
    } else {
        connection_close(connection);
    }
}

void connection_drain(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (!connection->closing && !is_paused(connection)) {
        receive(connection);
    }
    if (connection->closed) {
        return;
    }
    int64_t age_ms = clock_now_ms() - connection->opened_ms;
    if (is_idle(connection) && (connection->used || age_ms >= server->limits.duration_ms[DEADLINE_FIRST])) {
        connection_close(connection);
        return;
    }
    update(connection);
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
        memcpy(out, "-", 2);
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
    update(connection);
}
