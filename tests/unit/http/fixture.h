/* A server with a small table of routes in a thread of its own, and raw client sockets.
 * Not here: what is expected of it (test_*.c). */
#ifndef DIGITALISM_TESTS_HTTP_FIXTURE_H
#define DIGITALISM_TESTS_HTTP_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "digitalism/base/clock.h"
#include "digitalism/http.h"

enum { FIXTURE_PARKED_MAX = 256, FIXTURE_PATIENCE_MS = 10000 };

struct fixture {
    struct http_server *server;
    struct http_watch *watch;
    struct http_timer *timer;
    pthread_t thread;
    int commands[2]; /* a byte in is a command to the server's thread */
    int port;
    struct http_exchange *parked[FIXTURE_PARKED_MAX]; /* by /park, until a command answers them */
    atomic_size_t parked_count;
    atomic_size_t handled;  /* requests that reached a handler */
    atomic_size_t logged;   /* calls of the access log */
    atomic_size_t turns;    /* calls of on_turn */
    atomic_int last_status; /* in the access log */
    char last_line[512];    /* of the access log; read it once the server has ended */
};

static void handle_echo(struct http_exchange *exchange, void *context)
{
    struct fixture *fixture = context;
    size_t length = 0;
    const char *body = http_body(exchange, &length);
    fixture->handled++;
    http_respond(exchange, 200, "application/octet-stream", body, length);
}

static void handle_item(struct http_exchange *exchange, void *context)
{
    struct fixture *fixture = context;
    size_t length = 0;
    const char *text = http_path_parameter(exchange, 0, &length);
    fixture->handled++;
    http_respond(exchange, 200, "text/plain; charset=utf-8", text, length);
}

static void handle_query(struct http_exchange *exchange, void *context)
{
    struct fixture *fixture = context;
    size_t length = 0;
    const char *text = http_query(exchange, "q", &length);
    fixture->handled++;
    http_respond(exchange, 200, "text/plain", text == NULL ? "(none)" : text, text == NULL ? 6 : length);
}

static void handle_big(struct http_exchange *exchange, void *context)
{
    static char bytes[1 << 20];
    struct fixture *fixture = context;
    memset(bytes, 'x', sizeof(bytes));
    fixture->handled++;
    http_respond(exchange, 200, "text/plain", bytes, sizeof(bytes));
}

static void handle_empty(struct http_exchange *exchange, void *context)
{
    struct fixture *fixture = context;
    fixture->handled++;
    http_respond(exchange, 204, NULL, NULL, 0);
}

/* Keeps the exchange until a command answers it. */
static void handle_park(struct http_exchange *exchange, void *context)
{
    struct fixture *fixture = context;
    assert_true(fixture->parked_count < FIXTURE_PARKED_MAX);
    fixture->parked[fixture->parked_count] = exchange;
    fixture->parked_count++;
    fixture->handled++;
}

static const struct http_route fixture_routes[] = {
    {HTTP_METHOD_GET, "/", handle_echo},
    {HTTP_METHOD_GET, "/items/", handle_echo},
    {HTTP_METHOD_POST, "/items/", handle_echo},
    {HTTP_METHOD_GET, "/items/{id}", handle_item},
    {HTTP_METHOD_PUT, "/items/{id}", handle_echo},
    {HTTP_METHOD_DELETE, "/items/{id}", handle_empty},
    {HTTP_METHOD_POST, "/items/bulk", handle_echo},
    {HTTP_METHOD_GET, "/query", handle_query},
    {HTTP_METHOD_GET, "/big", handle_big},
    {HTTP_METHOD_GET, "/park/{n}", handle_park},
};

static void fixture_error_body(struct buffer *body, int status, void *context)
{
    (void) context;
    buffer_append_format(body, "{\"detail\":\"%d\"}", status);
}

static void fixture_access(const struct http_access *access, void *context)
{
    struct fixture *fixture = context;
    (void) snprintf(fixture->last_line, sizeof(fixture->last_line), "%s %s %s %d %llu %s %d", access->client,
                    access->method, access->target, access->status, (unsigned long long) access->body_bytes,
                    access->request_id, access->duration_us >= 0);
    fixture->last_status = access->status;
    fixture->logged++;
}

static void fixture_answer(struct fixture *fixture, size_t n)
{
    char text[32];
    int length = snprintf(text, sizeof(text), "answer %zu", n);
    struct http_exchange *exchange = fixture->parked[n];
    fixture->parked[n] = NULL;
    if (exchange != NULL) {
        http_respond(exchange, 200, "text/plain", text, (size_t) length);
    }
}

/* Commands: 'd' drain, 's' stop, 'a' answer all that is parked, 'r' the same in reverse, 't' a timer that stops. */
static void fixture_command(void *argument, int events)
{
    struct fixture *fixture = argument;
    char command = 0;
    assert_int_equal(events, HTTP_WATCH_READ);
    assert_int_equal(read(fixture->commands[0], &command, 1), 1);
    switch (command) {
    case 'd':
        http_server_drain(fixture->server);
        break;
    case 's':
        http_server_stop(fixture->server);
        break;
    case 't':
        http_timer_start(fixture->timer, 1);
        break;
    default:
        for (size_t i = 0; i < fixture->parked_count; i++) {
            fixture_answer(fixture, command == 'a' ? i : fixture->parked_count - 1 - i);
        }
        fixture->parked_count = 0;
        break;
    }
}

static void fixture_time(void *argument)
{
    http_server_stop(((struct fixture *) argument)->server);
}

static void fixture_turn(void *argument)
{
    ((struct fixture *) argument)->turns++;
}

static void *fixture_run(void *argument)
{
    struct fixture *fixture = argument;
    struct err err = {0};
    assert_int_equal(http_server_run(fixture->server, &err), 0);
    return NULL;
}

static struct fixture *fixture_start(const struct http_limits *limits)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *) &address, length), 0);
    assert_int_equal(listen(listener, 128), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *) &address, &length), 0);
    fixture->port = ntohs(address.sin_port);
    struct http_options options = {
        .listener_fd = listener,
        .routes = fixture_routes,
        .route_count = sizeof(fixture_routes) / sizeof(fixture_routes[0]),
        .error_body = fixture_error_body,
        .error_content_type = "application/json",
        .access_log = fixture_access,
        .context = fixture,
    };
    if (limits != NULL) {
        options.limits = *limits;
    }
    struct err err = {0};
    assert_int_equal(http_server_new(&fixture->server, &options, &err), 0);
    assert_int_equal(pipe(fixture->commands), 0);
    assert_int_equal(
        http_watch_new(&fixture->watch, fixture->server, fixture->commands[0], fixture_command, fixture, &err), 0);
    assert_int_equal(http_watch_events(fixture->watch, HTTP_WATCH_READ), 0);
    assert_int_equal(http_timer_new(&fixture->timer, fixture->server, fixture_time, fixture, &err), 0);
    http_server_on_turn(fixture->server, fixture_turn, fixture);
    assert_int_equal(pthread_create(&fixture->thread, NULL, fixture_run, fixture), 0);
    return fixture;
}

static void fixture_tell(struct fixture *fixture, char command)
{
    assert_int_equal(write(fixture->commands[1], &command, 1), 1);
}

/* Waits for the server to end by itself. */
static void fixture_join(struct fixture *fixture)
{
    assert_int_equal(pthread_join(fixture->thread, NULL), 0);
}

static void fixture_free(struct fixture *fixture)
{
    http_watch_free(fixture->watch);
    http_timer_free(fixture->timer);
    http_server_free(fixture->server);
    (void) close(fixture->commands[0]);
    (void) close(fixture->commands[1]);
    free(fixture);
}

static void fixture_stop(struct fixture *fixture)
{
    fixture_tell(fixture, 's');
    fixture_join(fixture);
    fixture_free(fixture);
}

/* Waits until a counter has reached a number. */
static void await_count(atomic_size_t *counter, size_t wanted)
{
    int64_t deadline_ms = clock_now_ms() + FIXTURE_PATIENCE_MS;
    while (*counter < wanted) {
        assert_true(clock_now_ms() < deadline_ms);
        (void) poll(NULL, 0, 1);
    }
}

static int client_open(const struct fixture *fixture)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t) fixture->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = FIXTURE_PATIENCE_MS / 1000};
    int yes = 1;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    return fd;
}

/* As recv(2). A socket with a time limit is interrupted where others are restarted (signal(7)), and newer versions of
 * libuv interrupt their process by io_uring(7). */
static ssize_t client_receive(int fd, void *room, size_t length)
{
    ssize_t count = recv(fd, room, length, 0);
    while (count < 0 && errno == EINTR) {
        count = recv(fd, room, length, 0);
    }
    return count;
}

static void client_send_bytes(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        assert_true(sent > 0);
        bytes += sent;
        length -= (size_t) sent;
    }
}

static void client_send(int fd, const char *text)
{
    client_send_bytes(fd, text, strlen(text));
}

struct reply {
    int status;
    char head[4096];
    struct buffer body;
};

/* Reads one answer, not a byte more. `has_body` is false for the answer to a HEAD request. Returns its status, or 0 at
 * the end of the connection. */
static int client_read(int fd, struct reply *reply, bool has_body)
{
    size_t used = 0;
    reply->status = 0;
    reply->head[0] = '\0';
    buffer_clear(&reply->body);
    while (used < 4 || memcmp(reply->head + used - 4, "\r\n\r\n", 4) != 0) {
        assert_true(used < sizeof(reply->head) - 1);
        ssize_t count = client_receive(fd, reply->head + used, 1);
        if (count <= 0) {
            assert_true(count == 0 || errno == ECONNRESET);
            assert_int_equal(used, 0);
            return 0;
        }
        reply->head[++used] = '\0';
    }
    assert_memory_equal(reply->head, "HTTP/1.1 ", 9);
    reply->status = atoi(reply->head + 9);
    const char *field = strstr(reply->head, "\r\nContent-Length: ");
    size_t length = field == NULL || !has_body ? 0 : (size_t) atol(field + 18);
    while (reply->body.length < length) {
        char *room = buffer_reserve(&reply->body, length - reply->body.length);
        assert_non_null(room);
        ssize_t count = client_receive(fd, room, length - reply->body.length);
        assert_true(count > 0);
        buffer_commit(&reply->body, (size_t) count);
    }
    return reply->status;
}

/* The value of a header of the answer, in a static buffer; NULL when it is not there. */
static const char *reply_header(const struct reply *reply, const char *name)
{
    static char value[1024];
    char wanted[128];
    (void) snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
    const char *found = strstr(reply->head, wanted);
    if (found == NULL) {
        return NULL;
    }
    found += strlen(wanted);
    size_t length = strcspn(found, "\r");
    assert_true(length < sizeof(value));
    memcpy(value, found, length);
    value[length] = '\0';
    return value;
}

/* Sends, reads one answer, and asserts its status and body (NULL: any). */
static void expect_answer(int fd, struct reply *reply, const char *request, int status, const char *body)
{
    client_send(fd, request);
    assert_int_equal(client_read(fd, reply, strncmp(request, "HEAD", 4) != 0), status);
    if (body != NULL) {
        assert_string_equal(buffer_text(&reply->body), body);
    }
}

static void expect_end(int fd)
{
    char byte = 0;
    ssize_t count = client_receive(fd, &byte, 1);
    assert_true(count == 0 || (count < 0 && errno == ECONNRESET));
}

#endif
