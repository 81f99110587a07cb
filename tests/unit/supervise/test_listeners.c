/* Goal: the listeners share one port among themselves and with nobody else, and refuse clients until they listen.
 * Not here: accepting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervise/listeners.h"

static uint16_t port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &length), 0);
    return ntohs(address.sin_port);
}

/* Connects to the port on loopback; returns the descriptor, or -1 with errno set. */
static int connect_to(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *) &address, sizeof(address)) != 0) {
        int failure = errno;
        (void) close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

static void test_all_slots_share_the_port_that_the_first_got(void **state)
{
    (void) state;
    struct listeners listeners;
    struct err err;
    assert_int_equal(listeners_bind(&listeners, "127.0.0.1", 0, 3, 4, &err), 0);
    assert_int_equal(listeners.count, 3);
    assert_int_not_equal(port_of(listeners.fds[0]), 0);
    assert_int_equal(port_of(listeners.fds[1]), port_of(listeners.fds[0]));
    assert_int_equal(port_of(listeners.fds[2]), port_of(listeners.fds[0]));
    assert_non_null(strstr(listeners.url, "http://127.0.0.1:"));
    listeners_done(&listeners);
}

static void test_clients_are_refused_until_it_listens(void **state)
{
    (void) state;
    struct listeners listeners;
    struct err err;
    assert_int_equal(listeners_bind(&listeners, "127.0.0.1", 0, 1, 4, &err), 0);
    uint16_t port = port_of(listeners.fds[0]);
    assert_int_equal(connect_to(port), -1);
    assert_int_equal(errno, ECONNREFUSED);
    assert_int_equal(listeners_listen(&listeners, &err), 0);
    int client = connect_to(port);
    assert_true(client >= 0);
    (void) close(client);
    listeners_done(&listeners);
}

/* A second instance must be told at once, whether the first one listens already or still runs its stages. */
static void test_port_in_use_is_refused(void **state)
{
    (void) state;
    struct listeners first;
    struct listeners second;
    struct err err;
    assert_int_equal(listeners_bind(&first, "127.0.0.1", 0, 2, 4, &err), 0);
    uint16_t port = port_of(first.fds[0]);
    for (int listening = 0; listening <= 1; listening++) {
        assert_int_equal(listeners_bind(&second, "127.0.0.1", port, 2, 4, &err), -ERR_LISTEN);
        assert_non_null(strstr(err.message, "Address already in use"));
        assert_non_null(strstr(err.hint, "PORT"));
        assert_int_equal(listeners_listen(&first, &err), 0);
    }
    listeners_done(&first);
}

static void test_restart_right_after_a_connection(void **state)
{
    (void) state;
    struct listeners listeners;
    struct err err;
    assert_int_equal(listeners_bind(&listeners, "127.0.0.1", 0, 1, 4, &err), 0);
    uint16_t port = port_of(listeners.fds[0]);
    assert_int_equal(listeners_listen(&listeners, &err), 0);
    int client = connect_to(port);
    assert_true(client >= 0);
    /* The server's side closes first, so that the port is left in TIME_WAIT. */
    int accepted = accept(listeners.fds[0], NULL, NULL);
    assert_true(accepted >= 0);
    (void) close(accepted);
    (void) close(client);
    listeners_done(&listeners);
    assert_int_equal(listeners_bind(&listeners, "127.0.0.1", port, 2, 4, &err), 0);
    listeners_done(&listeners);
}

/* At a stop: what is queued can still be accepted, and nothing new gets in. */
static void test_refusing_keeps_the_queue(void **state)
{
    (void) state;
    struct listeners listeners;
    struct err err;
    assert_int_equal(listeners_bind(&listeners, "127.0.0.1", 0, 1, 4, &err), 0);
    uint16_t port = port_of(listeners.fds[0]);
    assert_int_equal(listeners_listen(&listeners, &err), 0);
    int queued = connect_to(port);
    assert_true(queued >= 0);
    listeners_refuse(&listeners);

    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(late, (struct sockaddr *) &address, sizeof(address)), -1);
    assert_int_equal(errno, EINPROGRESS);

    int accepted = accept(listeners.fds[0], NULL, NULL);
    assert_true(accepted >= 0);
    char byte = 'x';
    assert_int_equal(write(queued, &byte, 1), 1);
    assert_int_equal(read(accepted, &byte, 1), 1);
    assert_int_equal(accept(listeners.fds[0], NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    (void) close(accepted);
    (void) close(queued);
    (void) close(late);
    listeners_done(&listeners);
}

static void test_address_that_is_not_ours(void **state)
{
    (void) state;
    struct listeners listeners;
    struct err err;
    assert_int_equal(listeners_bind(&listeners, "192.0.2.1", 0, 1, 4, &err), -ERR_LISTEN);
    assert_string_equal(err.message, "cannot listen on 192.0.2.1 port 0: Cannot assign requested address");
    assert_int_equal(listeners_bind(&listeners, "256.1.1.1", 80, 1, 4, &err), -ERR_LISTEN);
    assert_non_null(strstr(err.message, "cannot resolve the address 256.1.1.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_slots_share_the_port_that_the_first_got),
        cmocka_unit_test(test_clients_are_refused_until_it_listens),
        cmocka_unit_test(test_port_in_use_is_refused),
        cmocka_unit_test(test_restart_right_after_a_connection),
        cmocka_unit_test(test_refusing_keeps_the_queue),
        cmocka_unit_test(test_address_that_is_not_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
