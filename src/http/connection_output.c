/* The answers in the order of their requests, written once at the end of a turn with all that is ready by then.
 * Not here: the head of an answer (response.c). */
#include <errno.h>
#include <time.h>

#include "http/connection.h"
#include "http/server.h"

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
    exchange->ends_at = connection->bytes_out + connection_output_pending(connection);
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
void connection_advance(struct http_connection *connection)
{
    while (connection->queue != NULL && connection->queue->answered) {
        send_first(connection, buffer_text(&connection->queue->body), connection->queue->body.length);
    }
    struct http_exchange *first = connection->queue;
    if (first != NULL && first->wants_continue && first == connection->receiving && !connection->closing) {
        static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
        first->wants_continue = false;
        buffer_append(&connection->output, interim, sizeof(interim) - 1);
        connection_mark_dirty(connection);
    }
}

void connection_answer(struct http_connection *connection, struct http_exchange *exchange, const char *body,
                       size_t length)
{
    if (connection->queue == exchange) {
        send_first(connection, body, length);
        connection_advance(connection);
    } else {
        buffer_append(&exchange->body, body, length);
    }
    connection_mark_dirty(connection);
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
    size_t pending = connection_output_pending(connection);
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
    connection_unmark_dirty(connection);
    if (buffer_failed(&connection->output)) {
        connection_reset(connection); /* no memory for a whole answer: half of one would be worse */
        return;
    }
    if (connection_output_pending(connection) > 0 && !connection->blocked && !write_output(connection)) {
        return;
    }
    if (connection->closing && !connection->lingering && connection->queue == NULL &&
        connection_output_pending(connection) == 0) {
        finish(connection);
    } else if (connection->input.length > 0 && !connection->closing && !connection_is_full(connection)) {
        connection_mark_dirty(connection); /* there is room for the next requests now */
        server_wake(connection->server);
    }
    connection_update(connection);
}
