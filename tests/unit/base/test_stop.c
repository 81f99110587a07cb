/* Goal: a SIGTERM is seen by every wait, before, during and after it, and never ends the process once taken over.
 * Not here: signals of PID 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/stop.h"

#define LONG_MS 30000

/* Every case runs in a child, since a blocked SIGTERM stays with a process; it exits with the line that failed, or 0.
 */
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            return __LINE__ % 250 + 1;                                                                                 \
        }                                                                                                              \
    } while (0)

static void run_in_child(int (*body)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(body());
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int stop_is_remembered(void)
{
    struct err err;
    int fd = stop_open(&err);
    CHECK(fd >= 0);
    CHECK(!stop_requested(fd));
    CHECK(stop_sleep(fd, 1, &err) == 0);
    CHECK(raise(SIGTERM) == 0);
    CHECK(stop_requested(fd));
    CHECK(stop_requested(fd));
    CHECK(stop_sleep(fd, LONG_MS, &err) == -ERR_INTERRUPTED);
    CHECK(err.code == ERR_INTERRUPTED);
    CHECK(stop_sleep(fd, LONG_MS, &err) == -ERR_INTERRUPTED);
    CHECK(stop_poll(fd, -1, 0, CLOCK_NEVER, &err) == -ERR_INTERRUPTED);
    return 0;
}

static void test_stop_is_remembered_by_every_wait(void **state)
{
    (void) state;
    run_in_child(stop_is_remembered);
}

/* The sender waits for nothing: whether the signal comes before or during the sleep, the sleep must end by it. */
static int stop_ends_a_sleep(void)
{
    struct err err;
    int fd = stop_open(&err);
    pid_t waiting = getpid();
    pid_t sender = fork();
    if (sender == 0) {
        _exit(kill(waiting, SIGTERM) == 0 ? 0 : 1);
    }
    int result = stop_sleep(fd, LONG_MS, &err);
    CHECK(waitpid(sender, NULL, 0) == sender);
    CHECK(result == -ERR_INTERRUPTED);
    return 0;
}

static void test_stop_ends_a_sleep(void **state)
{
    (void) state;
    run_in_child(stop_ends_a_sleep);
}

static int poll_sees_events(void)
{
    struct err err;
    int fds[2];
    CHECK(pipe(fds) == 0);
    int fd = stop_open(&err);
    CHECK(stop_poll(fd, fds[0], POLLIN, clock_now_ms() + 1, &err) == 0);
    CHECK(write(fds[1], "x", 1) == 1);
    CHECK(stop_poll(fd, fds[0], POLLIN, CLOCK_NEVER, &err) == POLLIN);
    CHECK(stop_poll(STOP_NONE, fds[0], POLLIN, CLOCK_NEVER, &err) == POLLIN);
    CHECK(close(fds[1]) == 0);
    CHECK((stop_poll(fd, fds[0], POLLIN, CLOCK_NEVER, &err) & POLLHUP) != 0);
    /* The stop wins over an event that is there too. */
    CHECK(raise(SIGTERM) == 0);
    CHECK(stop_poll(fd, fds[0], POLLIN, CLOCK_NEVER, &err) == -ERR_INTERRUPTED);
    return 0;
}

static void test_poll_sees_events_deadline_and_stop(void **state)
{
    (void) state;
    run_in_child(poll_sees_events);
}

static void ignore_signal(int number)
{
    (void) number;
}

/* A signal with a handler interrupts poll(2); the wait goes on to its deadline. */
static int other_signals_do_not_end_a_wait(void)
{
    struct err err;
    struct sigaction action = {.sa_handler = ignore_signal};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    int fd = stop_open(&err);
    pid_t waiting = getpid();
    pid_t sender = fork();
    if (sender == 0) {
        for (int i = 0; i < 20; i++) {
            (void) kill(waiting, SIGUSR1);
            (void) poll(NULL, 0, 1);
        }
        _exit(kill(waiting, SIGTERM) == 0 ? 0 : 1);
    }
    int result = stop_sleep(fd, LONG_MS, &err);
    CHECK(waitpid(sender, NULL, 0) == sender);
    CHECK(result == -ERR_INTERRUPTED);
    return 0;
}

static void test_other_signals_do_not_end_a_wait(void **state)
{
    (void) state;
    run_in_child(other_signals_do_not_end_a_wait);
}

static void test_none_is_never_requested(void **state)
{
    (void) state;
    struct err err;
    assert_false(stop_requested(STOP_NONE));
    assert_int_equal(stop_sleep(STOP_NONE, 1, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_is_remembered_by_every_wait),
        cmocka_unit_test(test_stop_ends_a_sleep),
        cmocka_unit_test(test_poll_sees_events_deadline_and_stop),
        cmocka_unit_test(test_other_signals_do_not_end_a_wait),
        cmocka_unit_test(test_none_is_never_requested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
