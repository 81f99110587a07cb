/* Goal: whoever asks gets one whole object, and nobody who asks can make the supervisor wait.
 * Not here: what the object says (test_snapshot.c), another user's question (tests/integration). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/local.h"
#include "digitalism/supervise.h"
#include "supervise/status.h"

enum { CLIENTS = 40 };

struct fixture {
    struct scoreboard *scoreboard;
    char url[64];
    uint16_t port;
    int fd;
};

/* A port's name that nobody else has at the moment; the port itself is not used. */
static int set_up(void **state)
{
    static struct fixture fixture;
    struct err err;
    fixture = (struct fixture){.fd = -1};
    for (unsigned i = 0; i < 1000 && fixture.fd < 0; i++) {
        fixture.port = (uint16_t) (1 + ((unsigned) getpid() + i) % 60000);
        (void) snprintf(fixture.url, sizeof(fixture.url), "http://[::1]:%u", fixture.port);
        fixture.fd = status_open(fixture.url, &err);
    }
    *state = &fixture;
    return fixture.fd < 0 ? -1 : scoreboard_new(&fixture.scoreboard, SUPERVISE_WORKERS_MAX, &err);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    scoreboard_free(fixture->scoreboard);
    return close(fixture->fd);
}

static int ask(const struct fixture *fixture)
{
    struct sockaddr_un address;
    socklen_t length = local_address(&address, fixture->port);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *) &address, length) != 0) {
        (void) close(fd);
        return -1;
    }
    return fd;
}

/* All that is there, which must end by the other end's close. */
static struct buffer answer_of(int fd)
{
    struct buffer text = BUFFER_EMPTY;
    for (ssize_t got = 1; got > 0;) {
        char *room = buffer_reserve(&text, 65536);
        assert_non_null(room);
        got = read(fd, room, 65536);
        assert_true(got >= 0);
        buffer_commit(&text, (size_t) got);
    }
    (void) close(fd);
    return text;
}

static void test_an_answer_is_one_line(void **state)
{
    const struct fixture *fixture = *state;
    int fd = ask(fixture);
    status_answer(fixture->fd, fixture->scoreboard);
    BUFFER_AUTO text = answer_of(fd);
    assert_memory_equal(text.data, "{\"version\":", 11);
    assert_ptr_equal(strchr(text.data, '\n'), text.data + text.length - 1);
}

/* 256 workers with long causes are more than one packet of the socket: the kernel must take it at once. */
static void test_the_longest_answer_is_whole(void **state)
{
    const struct fixture *fixture = *state;
    fixture->scoreboard->slot_count = SUPERVISE_WORKERS_MAX;
    for (size_t i = 0; i < SUPERVISE_WORKERS_MAX; i++) {
        memset(fixture->scoreboard->slots[i].cause, 'x', SCOREBOARD_CAUSE_SIZE - 1);
    }
    int fd = ask(fixture);
    status_answer(fixture->fd, fixture->scoreboard);
    BUFFER_AUTO text = answer_of(fd);
    assert_true(text.length > 50000);
    assert_string_equal(text.data + text.length - 3, "}}\n");
}

static void test_nobody_asks(void **state)
{
    const struct fixture *fixture = *state;
    status_answer(fixture->fd, fixture->scoreboard);
}

/* They hang on and read nothing, or are gone already: each call ends, and the next one is answered. */
static void test_clients_that_do_not_read(void **state)
{
    const struct fixture *fixture = *state;
    int clients[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = ask(fixture);
        if (clients[i] < 0) {
            status_answer(fixture->fd, fixture->scoreboard);
            clients[i] = ask(fixture);
        }
        assert_true(clients[i] >= 0);
        if (i % 2 == 0) {
            (void) close(clients[i]);
        }
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        status_answer(fixture->fd, fixture->scoreboard);
    }
    for (size_t i = 1; i < CLIENTS; i += 2) {
        BUFFER_AUTO text = answer_of(clients[i]);
        assert_true(text.length > 100);
    }
}

static void test_a_second_instance_on_the_port_is_told(void **state)
{
    const struct fixture *fixture = *state;
    struct err err;
    assert_int_equal(status_open(fixture->url, &err), -ERR_LISTEN);
    assert_non_null(strstr(err.message, "on a local socket: Address already in use"));
    assert_non_null(strstr(err.hint, "another address"));
}

static void test_a_url_without_a_port(void **state)
{
    struct err err;
    (void) state;
    assert_int_equal(status_open("http://[::1]", &err), -ERR_INTERNAL);
    assert_int_equal(status_open("", &err), -ERR_INTERNAL);
    assert_int_equal(status_open("http://127.0.0.1:70000", &err), -ERR_INTERNAL);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_an_answer_is_one_line),
        CASE(test_the_longest_answer_is_whole),
        CASE(test_nobody_asks),
        CASE(test_clients_that_do_not_read),
        CASE(test_a_second_instance_on_the_port_is_told),
        cmocka_unit_test(test_a_url_without_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
