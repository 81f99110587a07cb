/* Goal: a service manager's socket gets exactly the datagrams of sd_notify(3), and no trouble with it reaches us.
 * Not here: when they are sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "digitalism/base/clock.h"
#include "supervise/notify.h"

struct manager {
    int fd;
    char directory[32];
    char path[64];
};

static int set_up(void **state)
{
    static struct manager manager;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void) snprintf(manager.directory, sizeof(manager.directory), "/tmp/digitalism-test-XXXXXX");
    assert_non_null(mkdtemp(manager.directory));
    (void) snprintf(manager.path, sizeof(manager.path), "%s/notify", manager.directory);
    memcpy(address.sun_path, manager.path, strlen(manager.path) + 1);
    manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(manager.fd >= 0);
    assert_int_equal(bind(manager.fd, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", manager.path, 1), 0);
    *state = &manager;
    return 0;
}

static int tear_down(void **state)
{
    struct manager *manager = *state;
    (void) close(manager->fd);
    (void) unlink(manager->path);
    (void) rmdir(manager->directory);
    return unsetenv("NOTIFY_SOCKET");
}

/* The next datagram as text; "" when there is none. Sending is synchronous, so there is nothing to wait for. */
static const char *received(int fd)
{
    static char text[1024];
    ssize_t length = recv(fd, text, sizeof(text) - 1, 0);
    if (length < 0) {
        assert_int_equal(errno, EAGAIN);
        length = 0;
    }
    text[length] = '\0';
    return text;
}

static void test_ready_and_stopping(void **state)
{
    const struct manager *manager = *state;
    notify_ready();
    assert_string_equal(received(manager->fd), "READY=1");
    notify_stopping();
    assert_string_equal(received(manager->fd), "STOPPING=1");
    assert_string_equal(received(manager->fd), "");
}

static void test_reloading_says_when(void **state)
{
    const struct manager *manager = *state;
    int64_t before = clock_now_us();
    notify_reloading();
    int64_t after = clock_now_us();
    long long at = 0;
    char more = '\0';
    assert_int_equal(sscanf(received(manager->fd), "RELOADING=1\nMONOTONIC_USEC=%lld%c", &at, &more), 1);
    assert_in_range(at, before, after);
}

static void test_status_is_one_bounded_line(void **state)
{
    const struct manager *manager = *state;
    notify_status("2 workers ready\nREADY=1");
    assert_string_equal(received(manager->fd), "STATUS=2 workers ready");
    char text[NOTIFY_STATUS_BYTES_MAX + 10];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text + NOTIFY_STATUS_BYTES_MAX - 1, "\xC3\xA9", 2); /* would be split by a cut at the limit */
    notify_status(text);
    assert_int_equal(strlen(received(manager->fd)), strlen("STATUS=") + NOTIFY_STATUS_BYTES_MAX - 1);
}

static void test_abstract_name(void **state)
{
    (void) state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    (void) snprintf(name, sizeof(name), "@digitalism-test-%d", (int) getpid());
    memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    socklen_t length = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *) &address, length), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    notify_ready();
    assert_string_equal(received(fd), "READY=1");
    (void) close(fd);
}

static void test_names_that_will_not_do_are_passed_over(void **state)
{
    const struct manager *manager = *state;
    char long_name[256];
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    long_name[0] = '/';
    const char *const names[] = {"", "@", "/", "relative", "vsock:2:1234", long_name, "/nonexistent/notify"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        notify_ready();
    }
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    notify_ready();
    assert_string_equal(received(manager->fd), "");
}

/* The kernel queues a few datagrams only; a manager that reads none must not stop the supervisor. */
static void test_a_manager_that_does_not_read_blocks_nobody(void **state)
{
    const struct manager *manager = *state;
    for (int i = 0; i < 5000; i++) {
        notify_status("not read");
    }
    assert_string_equal(received(manager->fd), "STATUS=not read");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_ready_and_stopping),
        CASE(test_reloading_says_when),
        CASE(test_status_is_one_bounded_line),
        CASE(test_abstract_name),
        CASE(test_names_that_will_not_do_are_passed_over),
        CASE(test_a_manager_that_does_not_read_blocks_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
