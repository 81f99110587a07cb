/* Goal: whatever sits behind the name of a port, asking it ends in time and says what is wrong.
 * Not here: the real other side (tests/integration/test_status.py), the table (test_table.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/base/local.h"
#include "digitalism/probe.h"

enum { PATIENCE_MS = 10000, HASTE_MS = 50 };

struct fixture {
    int listener;
    uint16_t port;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct sockaddr_un address;
    fixture.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int bound = -1;
    for (unsigned i = 0; i < 1000 && bound != 0; i++) {
        fixture.port = (uint16_t) (1 + ((unsigned) getpid() + i) % 60000);
        socklen_t length = local_address(&address, fixture.port);
        bound = bind(fixture.listener, (const struct sockaddr *) &address, length);
    }
    *state = &fixture;
    return bound != 0 || listen(fixture.listener, 1) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    return close(fixture->listener);
}

/* A child that answers one question with this text. */
static pid_t answer_with(const struct fixture *fixture, const char *text, size_t length)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int client = accept(fixture->listener, NULL, NULL);
        while (length > 0) {
            ssize_t sent = send(client, text, length, MSG_NOSIGNAL);
            if (sent <= 0) {
                break;
            }
            text += sent;
            length -= (size_t) sent;
        }
        _exit(0);
    }
    return pid;
}

static void assert_fails(const struct fixture *fixture, int64_t timeout_ms, const char *message)
{
    const struct probe_status options = {.port = fixture->port, .timeout_ms = timeout_ms, .json = true};
    struct err err;
    char expected[200];
    (void) snprintf(expected, sizeof(expected), "the instance on port %u%s", fixture->port, message);
    assert_int_equal(probe_status(&options, &err), -ERR_LISTEN);
    if (strncmp(err.message, expected, strlen(expected)) != 0) {
        fail_msg("«%s» is not «%s»", err.message, expected);
    }
}

static void assert_refused_text(const struct fixture *fixture, const char *text, size_t length)
{
    pid_t pid = answer_with(fixture, text, length);
    assert_fails(fixture, PATIENCE_MS, " (pid ");
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_what_is_no_whole_status(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const texts[] = {
        "", "\n", "{}", "{\"pid\":1", "[]\n", "{} {}\n", "{\"url\":\"\033[2J\"}\n", "{\"url\":\"\x7F\"}\n", "{}\n{}\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_refused_text(fixture, texts[i], strlen(texts[i]));
    }
    assert_refused_text(fixture, "{}\0\n", 4);
}

static void test_too_long_an_answer(void **state)
{
    const struct fixture *fixture = *state;
    size_t length = (size_t) 2 * 1024 * 1024;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, ' ', length);
    pid_t pid = answer_with(fixture, text, length);
    assert_fails(fixture, PATIENCE_MS, " answers with more than 1048576 bytes");
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    free(text);
}

/* The kernel takes the question, and nobody reads it: a supervisor that was stopped. */
static void test_nobody_answers(void **state)
{
    const struct fixture *fixture = *state;
    assert_fails(fixture, HASTE_MS, " does not answer within 50 ms");
}

static void test_a_full_queue_is_waited_for_until_the_deadline(void **state)
{
    const struct fixture *fixture = *state;
    struct sockaddr_un address;
    socklen_t length = local_address(&address, fixture->port);
    int waiting[3];
    for (size_t i = 0; i < 3; i++) {
        waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void) connect(waiting[i], (const struct sockaddr *) &address, length);
    }
    assert_fails(fixture, HASTE_MS, " does not answer within 50 ms");
    for (size_t i = 0; i < 3; i++) {
        (void) close(waiting[i]);
    }
}

static void test_no_instance(void **state)
{
    const struct fixture *fixture = *state;
    struct err err;
    assert_int_equal(shutdown(fixture->listener, SHUT_RDWR), 0);
    const struct probe_status options = {.port = fixture->port, .timeout_ms = PATIENCE_MS};
    char expected[100];
    (void) snprintf(expected, sizeof(expected), "no instance of digitalism serves port %u here", fixture->port);
    assert_int_equal(probe_status(&options, &err), -ERR_LISTEN);
    assert_string_equal(err.message, expected);
    assert_non_null(strstr(err.hint, "--port"));
    assert_non_null(strstr(err.hint, "docker exec CONTAINER digitalism status"));
}

static void test_a_port_that_is_none(void **state)
{
    static const int64_t ports[] = {0, -1, 65536};
    (void) state;
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        const struct probe_status options = {.port = ports[i], .timeout_ms = PATIENCE_MS};
        struct err err;
        assert_int_equal(probe_status(&options, &err), -ERR_CONFIG);
        assert_non_null(strstr(err.message, "cannot be asked"));
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_what_is_no_whole_status),
        CASE(test_too_long_an_answer),
        CASE(test_nobody_answers),
        CASE(test_a_full_queue_is_waited_for_until_the_deadline),
        CASE(test_no_instance),
        cmocka_unit_test(test_a_port_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
