/* Goal: the health client tells a healthy server from each kind of unhealthy one, and never waits past its limit.
 * Not here: the grammar of the answer's head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/probe.h"

#define TIMEOUT_LONG_MS 20000

/* A server for one connection: reads the request, sends its pieces, then closes or stays silent until told to end. */
struct server {
    const char *const *pieces; /* NULL-ended */
    bool stays_open;
    int listener;
    int port;
    int end_pipe[2];
    pthread_t thread;
    char request[1024];
};

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void read_request(struct server *server, int fd)
{
    size_t length = 0;
    while (length < sizeof(server->request) - 1 && strstr(server->request, "\r\n\r\n") == NULL) {
        ssize_t got = read(fd, server->request + length, sizeof(server->request) - 1 - length);
        if (got <= 0) {
            return;
        }
        length += (size_t) got;
        server->request[length] = '\0';
    }
}

static void *serve(void *argument)
{
    struct server *server = argument;
    int fd = accept(server->listener, NULL, NULL);
    if (fd < 0) {
        return NULL;
    }
    read_request(server, fd);
    for (size_t i = 0; server->pieces[i] != NULL; i++) {
        (void) send(fd, server->pieces[i], strlen(server->pieces[i]), MSG_NOSIGNAL);
    }
    struct pollfd end = {.fd = server->end_pipe[0], .events = POLLIN};
    if (server->stays_open) {
        (void) poll(&end, 1, -1); /* until the test closes the other end */
    }
    (void) close(fd);
    return NULL;
}

static void listen_on(struct server *server, const struct sockaddr *address, socklen_t size)
{
    server->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, address, size), 0);
    assert_int_equal(listen(server->listener, 1), 0);
    struct sockaddr_storage bound = {.ss_family = 0};
    socklen_t bound_size = sizeof(bound);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *) &bound, &bound_size), 0);
    server->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *) &bound)->sin6_port
                                                     : ((struct sockaddr_in *) &bound)->sin_port);
}

static void start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    listen_on(server, (struct sockaddr *) &address, sizeof(address));
    assert_int_equal(pipe(server->end_pipe), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void end(struct server *server)
{
    (void) close(server->end_pipe[1]);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    (void) close(server->end_pipe[0]);
    (void) close(server->listener);
}

/* Probes a server that sends the pieces; the message, with the port as PORT, must be exactly this ("": healthy). */
static void assert_probe(const char *const *pieces, bool stays_open, int64_t timeout_ms, const char *message)
{
    struct server server = {.pieces = pieces, .stays_open = stays_open};
    struct err err = {.code = ERR_NONE};
    char expected[200] = "";
    start(&server);
    int result = probe_health("127.0.0.1", server.port, timeout_ms, &err);
    end(&server);
    const char *mark = strstr(message, "PORT");
    if (mark != NULL) {
        (void) snprintf(expected, sizeof(expected), "%.*s%d%s", (int) (mark - message), message, server.port, mark + 4);
    }
    assert_string_equal(err.message, expected);
    assert_int_equal(result, mark == NULL ? 0 : -ERR_LISTEN);
    assert_true(begins_with(server.request, "GET /health HTTP/1.1\r\nHost: 127.0.0.1:"));
    assert_non_null(strstr(server.request, "\r\nConnection: close\r\n"));
}

static void test_healthy(void **state)
{
    (void) state;
    static const char *const at_once[] = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", NULL};
    static const char *const in_pieces[] = {"HT", "TP/1.1 2", "00 OK\r\n", "A: b\r", "\n\r\n", NULL};
    assert_probe(at_once, false, TIMEOUT_LONG_MS, "");
    assert_probe(in_pieces, false, TIMEOUT_LONG_MS, "");
}

/* A server that keeps the connection open must not make a healthy answer late. */
static void test_healthy_without_close(void **state)
{
    (void) state;
    static const char *const pieces[] = {"HTTP/1.1 200 OK\r\n\r\n", NULL};
    assert_probe(pieces, true, TIMEOUT_LONG_MS, "");
}

static void test_another_status(void **state)
{
    (void) state;
    static const char *const pieces[] = {"HTTP/1.1 503 Service Unavailable\r\n\r\n", NULL};
    static const char *const moved[] = {"HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", NULL};
    assert_probe(pieces, false, TIMEOUT_LONG_MS, "http://127.0.0.1:PORT/health answers with status 503");
    assert_probe(moved, false, TIMEOUT_LONG_MS, "http://127.0.0.1:PORT/health answers with status 301");
}

static void test_not_http(void **state)
{
    (void) state;
    static const char *const pieces[] = {"SSH-2.0-OpenSSH_9.2\r\n", NULL};
    assert_probe(pieces, true, TIMEOUT_LONG_MS, "127.0.0.1:PORT does not answer in HTTP");
}

static void test_closed_before_the_answer_is_whole(void **state)
{
    (void) state;
    static const char *const nothing[] = {NULL};
    static const char *const half[] = {"HTTP/1.1 200 OK\r\nA: b\r\n", NULL};
    assert_probe(nothing, false, TIMEOUT_LONG_MS, "127.0.0.1:PORT closed the connection without a whole answer");
    assert_probe(half, false, TIMEOUT_LONG_MS, "127.0.0.1:PORT closed the connection without a whole answer");
}

static void test_silence_ends_at_the_limit(void **state)
{
    (void) state;
    static const char *const nothing[] = {NULL};
    static const char *const half[] = {"HTTP/1.1 200 OK\r\n", NULL};
    assert_probe(nothing, true, 50, "no answer from 127.0.0.1:PORT within 50 ms");
    assert_probe(half, true, 50, "no answer from 127.0.0.1:PORT within 50 ms");
}

static void test_endless_headers(void **state)
{
    (void) state;
    static char filler[32 * 1024];
    memset(filler, 'a', sizeof(filler) - 1);
    const char *const pieces[] = {"HTTP/1.1 200 OK\r\nA: ", filler, NULL};
    assert_probe(pieces, true, TIMEOUT_LONG_MS, "127.0.0.1:PORT answers with more than 16384 bytes of headers");
}

static void test_refused(void **state)
{
    (void) state;
    /* A bound port that does not listen refuses, and nobody else can take it meanwhile. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &size), 0);
    int port = ntohs(address.sin_port);
    char expected[100];
    (void) snprintf(expected, sizeof(expected), "cannot connect to 127.0.0.1:%d: Connection refused", port);
    struct err err;
    assert_int_equal(probe_health("127.0.0.1", port, TIMEOUT_LONG_MS, &err), -ERR_LISTEN);
    assert_string_equal(err.message, expected);
    assert_string_not_equal(err.hint, "");
    (void) close(fd);
}

static void assert_asks(const char *host, const char *asked)
{
    static const char *const pieces[] = {"HTTP/1.1 200 OK\r\n\r\n", NULL};
    struct server server = {.pieces = pieces};
    start(&server);
    struct err err = {.code = ERR_NONE};
    int result = probe_health(host, server.port, TIMEOUT_LONG_MS, &err);
    if (result != 0) {
        (void) shutdown(server.listener, SHUT_RDWR);
    }
    end(&server);
    assert_string_equal(err.message, "");
    assert_int_equal(result, 0);
    assert_true(begins_with(server.request + strlen("GET /health HTTP/1.1\r\n"), asked));
}

static void test_wildcards_and_names_mean_this_machine(void **state)
{
    (void) state;
    assert_asks("0.0.0.0", "Host: 127.0.0.1:");
    assert_asks("", "Host: 127.0.0.1:");
    assert_asks(NULL, "Host: 127.0.0.1:");
    assert_asks("localhost", "Host: localhost:");
}

static void test_ipv6_wildcard(void **state)
{
    (void) state;
    static const char *const pieces[] = {"HTTP/1.1 200 OK\r\n\r\n", NULL};
    struct server server = {.pieces = pieces};
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool available = fd >= 0 && bind(fd, (struct sockaddr *) &address, sizeof(address)) == 0;
    (void) close(fd);
    if (!available) {
        skip();
    }
    listen_on(&server, (struct sockaddr *) &address, sizeof(address));
    assert_int_equal(pipe(server.end_pipe), 0);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, &server), 0);
    struct err err = {.code = ERR_NONE};
    int result = probe_health("::", server.port, TIMEOUT_LONG_MS, &err);
    end(&server);
    assert_string_equal(err.message, "");
    assert_int_equal(result, 0);
    assert_true(begins_with(server.request, "GET /health HTTP/1.1\r\nHost: [::1]:"));
}

static void test_what_cannot_be_asked(void **state)
{
    (void) state;
    struct err err;
    assert_int_equal(probe_health("127.0.0.1", 0, TIMEOUT_LONG_MS, &err), -ERR_CONFIG);
    assert_string_equal(err.message, "port 0 cannot be asked");
    assert_int_equal(probe_health("no host", 8000, TIMEOUT_LONG_MS, &err), -ERR_LISTEN);
    assert_true(begins_with(err.message, "cannot resolve the host no host: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_healthy),
        cmocka_unit_test(test_healthy_without_close),
        cmocka_unit_test(test_another_status),
        cmocka_unit_test(test_not_http),
        cmocka_unit_test(test_closed_before_the_answer_is_whole),
        cmocka_unit_test(test_silence_ends_at_the_limit),
        cmocka_unit_test(test_endless_headers),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_wildcards_and_names_mean_this_machine),
        cmocka_unit_test(test_ipv6_wildcard),
        cmocka_unit_test(test_what_cannot_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
