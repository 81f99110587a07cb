/* The loop of one worker: accepting, the turn, time limits, draining.
 * Not here: a connection's own life (connection.c), descriptors and timers of the owner (watch.c). */
#include "http/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "digitalism/base/clock.h"
#include "http/connection.h"

enum {
    ACCEPT_BATCH = 64,       /* in one turn, so that those already here are served between */
    ACCEPT_PAUSE_MS = 100,   /* when the machine has no descriptor or memory for one more */
    FIRST_REQUEST_MS = 1000, /* while draining, for a connection that has not asked anything yet */
    LINGER_MS = 2000         /* for a client to read its last answer */
};

static void on_listener(uv_poll_t *poll, int status, int events);

/* Accepts while there is room and something to accept. True when the backlog is empty. */
static bool accept_batch(struct http_server *server, size_t count)
{
    for (size_t i = 0; i < count && server->connection_count < server->options.limits.connections; i++) {
        struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
        socklen_t length = sizeof(address);
        int fd =
            accept4(server->options.listener_fd, (struct sockaddr *) &address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            connection_open(server, fd, &address);
            continue;
        }
        if (errno == EAGAIN) {
            return true;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            server->accept_paused = true;
            return false;
        }
        /* Anything else is the fate of that one connection (accept(2), "Error handling"). */
    }
    return false;
}

static void on_accept_again(uv_timer_t *timer);

/* Watches the listener as long as there is room; clients wait in the backlog meanwhile. */
static void watch_listener(struct http_server *server)
{
    if (!server->listening) {
        return;
    }
    if (server->accept_paused) {
        (void) uv_poll_stop(&server->listener);
        (void) uv_timer_start(&server->accept_again, on_accept_again, ACCEPT_PAUSE_MS, 0);
    } else if (server->connection_count >= server->options.limits.connections) {
        (void) uv_poll_stop(&server->listener);
    } else {
        (void) uv_poll_start(&server->listener, UV_READABLE, on_listener);
    }
}

static void on_accept_again(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    server->accept_paused = false;
    watch_listener(server);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    struct http_server *server = poll->data;
    (void) events;
    if (status == 0 && !server->drain_wanted) {
        (void) accept_batch(server, ACCEPT_BATCH);
    }
    if (server->accept_paused || server->connection_count >= server->options.limits.connections) {
        watch_listener(server);
    }
}

void server_connection_closed(struct http_server *server)
{
    bool was_full = server->connection_count >= server->options.limits.connections;
    server->connection_count--;
    if (was_full && !server->accept_paused) {
        watch_listener(server);
    }
    if (server->draining) {
        server_wake(server);
    }
}

static void on_wake(uv_idle_t *idle)
{
    (void) uv_idle_stop(idle); /* its being active has kept the loop from sleeping: that was all */
}

void server_wake(struct http_server *server)
{
    (void) uv_idle_start(&server->wake, on_wake);
}

void server_take_buffer(struct http_server *server, struct buffer *buffer)
{
    if (server->buffer_count > 0) {
        *buffer = server->buffers[--server->buffer_count];
    }
}

void server_give_buffer(struct http_server *server, struct buffer *buffer)
{
    if (server->buffer_count == SERVER_UNUSED_BUFFERS_MAX || buffer->capacity > SERVER_BUFFER_BYTES_MAX) {
        buffer_done(buffer);
        return;
    }
    buffer_clear(buffer);
    server->buffers[server->buffer_count++] = *buffer;
    *buffer = (struct buffer) BUFFER_EMPTY;
}

static void on_deadline(uv_timer_t *timer);

static void schedule_deadlines(struct http_server *server, int64_t due_ms)
{
    if (due_ms >= server->deadlines_due_ms) {
        return; /* an earlier wake-up is a harmless one, and spares setting the timer for each request */
    }
    server->deadlines_due_ms = due_ms;
    uv_update_time(&server->loop);
    (void) uv_timer_start(&server->deadlines, on_deadline, (uint64_t) clock_remaining_ms(due_ms), 0);
}

static void on_deadline(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    int64_t now_ms = clock_now_ms();
    enum deadline_kind kind = DEADLINE_NONE;
    server->deadlines_due_ms = CLOCK_NEVER;
    struct deadline *deadline = deadline_take_expired(&server->limits, now_ms, &kind);
    while (deadline != NULL) {
        connection_expired(
            kind == DEADLINE_WRITE ? connection_of_write_limit(deadline) : connection_of_read_limit(deadline), kind);
        deadline = deadline_take_expired(&server->limits, now_ms, &kind);
    }
    schedule_deadlines(server, deadline_next_ms(&server->limits));
}

void server_deadline_start(struct http_server *server, struct deadline *deadline, enum deadline_kind kind)
{
    deadline_start(&server->limits, deadline, kind, clock_now_ms());
    schedule_deadlines(server, deadline->at_ms);
}

static void close_listener(struct http_server *server)
{
    if (server->listening) {
        server->listening = false;
        (void) uv_timer_stop(&server->accept_again);
        (void) uv_poll_stop(&server->listener);
        uv_close((uv_handle_t *) &server->listener, NULL);
        (void) close(server->options.listener_fd);
    }
}

/* Whoever refuses new clients by the listener's hop limit (ip(7), IP_MINTTL) did not mean those that were let in: a
 * connection inherits the limit when its handshake ends behind that moment, and would hear nothing of its client. */
static void allow_hops(int fd)
{
    int none = 0;
    (void) setsockopt(fd, IPPROTO_IP, IP_MINTTL, &none, sizeof(none));
    (void) setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &none, sizeof(none)); /* fails on an IPv4 socket */
}

/* Those in the backlog have been promised an answer; only then is the door closed. */
static void begin_drain(struct http_server *server)
{
    server->draining = true;
    server->accept_paused = false;
    (void) accept_batch(server, server->options.limits.connections);
    close_listener(server);
    struct http_connection *next = NULL;
    for (struct http_connection *connection = server->connections; connection != NULL; connection = next) {
        next = connection->next;
        allow_hops(connection->fd);
        connection_drain(connection);
    }
}

static void on_turn(uv_prepare_t *prepare)
{
    struct http_server *server = prepare->data;
    if (server->drain_wanted && !server->draining) {
        begin_drain(server);
    }
    struct http_connection *next = NULL;
    for (struct http_connection *connection = server->dirty_first; connection != NULL; connection = next) {
        next = connection->dirty_next;
        connection_resume(connection);
    }
    if (server->on_turn != NULL) {
        server->on_turn(server->on_turn_argument);
    }
    /* A connection that marks itself dirty again goes behind the last one, and waits for the next turn. */
    struct http_connection *last = server->dirty_last;
    bool is_last = last == NULL;
    while (!is_last) {
        struct http_connection *connection = server->dirty_first;
        is_last = connection == last;
        connection_flush(connection);
    }
    if (server->draining && server->connection_count == 0) {
        uv_stop(&server->loop);
    }
}

static void fill_limits(struct http_server *server)
{
    struct http_limits *limits = &server->options.limits;
    const struct http_limits defaults = {
        .request_line_bytes = 8192,
        .header_bytes = 16384,
        .header_count = 100,
        .body_bytes = 1048576,
        .connections = 10000,
        .pipelined = 64,
        .header_timeout_ms = 10000,
        .body_timeout_ms = 30000,
        .keep_alive_timeout_ms = 75000,
        .write_timeout_ms = 30000,
    };
#define FILL(name) limits->name = limits->name == 0 ? defaults.name : limits->name
    FILL(request_line_bytes);
    FILL(header_bytes);
    FILL(header_count);
    FILL(body_bytes);
    FILL(connections);
    FILL(pipelined);
    FILL(header_timeout_ms);
    FILL(body_timeout_ms);
    FILL(keep_alive_timeout_ms);
    FILL(write_timeout_ms);
#undef FILL
    int64_t *durations_ms = server->limits.duration_ms;
    durations_ms[DEADLINE_HEADER] = limits->header_timeout_ms;
    durations_ms[DEADLINE_BODY] = limits->body_timeout_ms;
    durations_ms[DEADLINE_KEEP_ALIVE] = limits->keep_alive_timeout_ms;
    durations_ms[DEADLINE_FIRST] = FIRST_REQUEST_MS;
    durations_ms[DEADLINE_LINGER] = LINGER_MS;
    durations_ms[DEADLINE_WRITE] = limits->write_timeout_ms;
}

/* Everything in the loop that cannot fail once the loop exists. */
static void init_handles(struct http_server *server)
{
    (void) uv_prepare_init(&server->loop, &server->turn);
    (void) uv_idle_init(&server->loop, &server->wake);
    (void) uv_timer_init(&server->loop, &server->deadlines);
    (void) uv_timer_init(&server->loop, &server->accept_again);
    server->turn.data = server;
    server->wake.data = server;
    server->deadlines.data = server;
    server->accept_again.data = server;
    (void) uv_prepare_start(&server->turn, on_turn);
}

int http_server_new(struct http_server **out, const struct http_options *options, struct err *err)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the http server");
    }
    server->options = *options;
    server->deadlines_due_ms = CLOCK_NEVER;
    fill_limits(server);
    if (getrandom(&server->next_id, sizeof(server->next_id), GRND_NONBLOCK) < 0) {
        server->next_id = (uint64_t) clock_now_us();
    }
    int status = router_new(&server->router, options->routes, options->route_count, err);
    if (status < 0) {
        free(server);
        return status;
    }
    int failure = uv_loop_init(&server->loop);
    if (failure < 0) {
        router_free(server->router);
        free(server);
        return err_set(err, ERR_INTERNAL, "cannot start the event loop: %s", uv_strerror(failure));
    }
    init_handles(server);
    failure = uv_poll_init(&server->loop, &server->listener, options->listener_fd);
    if (failure < 0) {
        http_server_free(server);
        return err_set(err, ERR_INTERNAL, "cannot watch the listener: %s", uv_strerror(failure));
    }
    /* Accepted sockets inherit it: an answer is written whole, so there is nothing to wait for. */
    int yes = 1;
    (void) setsockopt(options->listener_fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    server->listener.data = server;
    server->listening = true;
    watch_listener(server);
    *out = server;
    return 0;
}

void http_server_free(struct http_server *server)
{
    if (server == NULL) {
        return;
    }
    while (server->connections != NULL) {
        connection_close(server->connections);
    }
    close_listener(server);
    uv_close((uv_handle_t *) &server->turn, NULL);
    uv_close((uv_handle_t *) &server->wake, NULL);
    uv_close((uv_handle_t *) &server->deadlines, NULL);
    uv_close((uv_handle_t *) &server->accept_again, NULL);
    while (uv_loop_close(&server->loop) == UV_EBUSY) {
        (void) uv_run(&server->loop, UV_RUN_DEFAULT); /* again, if a stop was asked for meanwhile */
    }
    while (server->live != NULL) {
        struct http_exchange *next = server->live->live_next;
        exchange_free(server->live);
        server->live = next;
    }
    while (server->unused != NULL) {
        struct http_exchange *next = server->unused->next;
        exchange_free(server->unused);
        server->unused = next;
    }
    while (server->buffer_count > 0) {
        buffer_done(&server->buffers[--server->buffer_count]);
    }
    buffer_done(&server->scratch);
    router_free(server->router);
    free(server);
}

int http_server_run(struct http_server *server, struct err *err)
{
    (void) err; /* nothing that can happen while it runs ends it but a drain or a stop */
    (void) uv_run(&server->loop, UV_RUN_DEFAULT);
    return 0;
}

void http_server_drain(struct http_server *server)
{
    server->drain_wanted = true;
    server_wake(server);
}

void http_server_stop(struct http_server *server)
{
    uv_stop(&server->loop);
}

size_t http_server_in_flight(const struct http_server *server)
{
    return server->in_flight;
}

size_t http_server_connections(const struct http_server *server)
{
    return server->connection_count;
}

void http_server_on_turn(struct http_server *server, void (*callback)(void *argument), void *argument)
{
    server->on_turn = callback;
    server->on_turn_argument = argument;
}
