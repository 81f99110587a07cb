/* Refusals and limits on a real socket: the status, the closed connection, and that others are served meanwhile.
 * Not here: every form of a bad request (test_reader.c). */
#include "fixture.h"

#include <sys/resource.h>
#include <sys/time.h>

/* Short enough for a test, long enough for a busy machine where the opposite is expected. */
static const struct http_limits impatient = {
    .header_timeout_ms = 300,
    .body_timeout_ms = 300,
    .keep_alive_timeout_ms = 300,
    .write_timeout_ms = 300,
};

/* Goal: a request that cannot be read is answered once, what follows it is not, and the connection is closed. */
static void test_refusals_close_the_connection(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"POST /items/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"POST /items/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 413},
        {"POST /items/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n", 413},
        {"POST /items/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {"GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417},
    };
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char wanted[32];
        int fd = client_open(fixture);
        (void) snprintf(wanted, sizeof(wanted), "{\"detail\":\"%d\"}", cases[i].status);
        expect_answer(fd, &reply, cases[i].request, cases[i].status, wanted);
        assert_string_equal(reply_header(&reply, "Connection"), "close");
        assert_string_equal(reply_header(&reply, "Content-Type"), "application/json");
        expect_end(fd);
        (void) close(fd);
    }
    assert_int_equal(fixture->handled, 0);
    buffer_done(&reply.body);
    fixture_stop(fixture);
}

/* Goal: a refusal waits its turn behind the answers that are still to come. */
static void test_refusals_keep_the_order(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    (void) state;
    client_send(fd, "GET /park/1 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    await_count(&fixture->parked_count, 1);
    fixture_tell(fixture, 'a');
    assert_int_equal(client_read(fd, &reply, true), 200);
    assert_string_equal(buffer_text(&reply.body), "answer 0");
    assert_int_equal(client_read(fd, &reply, true), 400);
    expect_end(fd);
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: a client that is still sending its too large body reads the 413 instead of a reset. */
static void test_refusal_is_read_while_the_body_is_still_sent(void **state)
{
    static char body[4 << 20];
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    (void) state;
    memset(body, 'x', sizeof(body));
    client_send(fd, "POST /items/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4194304\r\n\r\n");
    client_send_bytes(fd, body, sizeof(body));
    assert_int_equal(client_read(fd, &reply, true), 413);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    expect_end(fd);
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: the default limits of the request line, the headers and their number. */
static void test_head_limits_have_their_own_answers(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    BUFFER_AUTO request = BUFFER_EMPTY;
    (void) state;
    for (int kind = 0; kind < 3; kind++) {
        static const int wanted[] = {414, 431, 431};
        buffer_clear(&request);
        buffer_append_text(&request, kind == 0 ? "GET /" : "GET / HTTP/1.1\r\nHost: x\r\nX: ");
        for (int i = 0; kind < 2 && i < (kind == 0 ? 8192 : 16384); i++) {
            buffer_append_char(&request, 'a');
        }
        for (int i = 0; kind == 2 && i < 100; i++) {
            buffer_append_text(&request, "\r\nX: ");
        }
        buffer_append_text(&request, kind == 0 ? " HTTP/1.1\r\n\r\n" : "\r\n\r\n");
        int fd = client_open(fixture);
        expect_answer(fd, &reply, buffer_text(&request), wanted[kind], NULL);
        expect_end(fd);
        (void) close(fd);
    }
    buffer_done(&reply.body);
    fixture_stop(fixture);
}

/* Goal: 1 MiB of body is taken, by length and in chunks. */
static void test_largest_body_is_taken(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    BUFFER_AUTO body = BUFFER_EMPTY;
    int fd = client_open(fixture);
    (void) state;
    for (int i = 0; i < 1 << 20; i++) {
        buffer_append_char(&body, (char) ('a' + i % 26));
    }
    client_send(fd, "POST /items/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
    client_send_bytes(fd, body.data, body.length);
    assert_int_equal(client_read(fd, &reply, true), 200);
    assert_int_equal(reply.body.length, body.length);
    assert_memory_equal(reply.body.data, body.data, body.length);
    client_send(fd, "POST /items/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n");
    client_send_bytes(fd, body.data, body.length);
    client_send(fd, "\r\n0\r\n\r\n");
    assert_int_equal(client_read(fd, &reply, true), 200);
    assert_memory_equal(reply.body.data, body.data, body.length);
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: a head and a body that do not come are given up with 408, an idle connection without a word. */
static void test_slow_clients_are_given_up(void **state)
{
    struct fixture *fixture = fixture_start(&impatient);
    struct reply reply = {0};
    int head = client_open(fixture);
    int body = client_open(fixture);
    int idle = client_open(fixture);
    int fresh = client_open(fixture);
    (void) state;
    client_send(head, "GET / HTTP/1.1\r\nHos");
    client_send(body, "POST /items/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
    expect_answer(idle, &reply, "GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "1");
    assert_int_equal(client_read(head, &reply, true), 408);
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    assert_int_equal(client_read(body, &reply, true), 408);
    expect_end(head);
    expect_end(body);
    expect_end(idle);
    expect_end(fresh);
    buffer_done(&reply.body);
    (void) close(head);
    (void) close(body);
    (void) close(idle);
    (void) close(fresh);
    fixture_stop(fixture);
}

/* Goal: the head's limit counts from its first byte: a byte now and then does not extend it. */
static void test_dripping_does_not_extend_the_limit(void **state)
{
    struct fixture *fixture = fixture_start(&impatient);
    struct reply reply = {0};
    struct pollfd waiting = {.fd = client_open(fixture), .events = POLLIN};
    int64_t deadline_ms = clock_now_ms() + FIXTURE_PATIENCE_MS;
    (void) state;
    client_send(waiting.fd, "GET /");
    while (poll(&waiting, 1, 20) < 1) {
        assert_true(clock_now_ms() < deadline_ms);
        client_send(waiting.fd, "a");
    }
    assert_int_equal(client_read(waiting.fd, &reply, true), 408);
    buffer_done(&reply.body);
    (void) close(waiting.fd);
    fixture_stop(fixture);
}

/* Goal: a handler may take longer than every limit on the client. */
static void test_waiting_for_a_handler_has_no_limit_here(void **state)
{
    struct fixture *fixture = fixture_start(&impatient);
    struct reply reply = {0};
    int waiting = client_open(fixture);
    int idle = client_open(fixture);
    (void) state;
    client_send(waiting, "GET /park/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    await_count(&fixture->parked_count, 1);
    expect_end(idle); /* so the keep-alive limit has passed */
    fixture_tell(fixture, 'a');
    assert_int_equal(client_read(waiting, &reply, true), 200);
    buffer_done(&reply.body);
    (void) close(waiting);
    (void) close(idle);
    fixture_stop(fixture);
}

/* Goal: a client that reads nothing is closed at the write limit, its requests are not read without end, and the
 * others are served. */
static void test_client_that_reads_nothing_is_closed(void **state)
{
    struct fixture *fixture = fixture_start(&impatient);
    struct reply reply = {0};
    int deaf = client_open(fixture);
    int64_t deadline_ms = clock_now_ms() + FIXTURE_PATIENCE_MS;
    size_t sent = 0;
    (void) state;
    for (int i = 0; i < 64; i++) {
        client_send(deaf, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
        sent++;
    }
    int other = client_open(fixture);
    expect_answer(other, &reply, "GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "1");
    struct pollfd end = {.fd = deaf, .events = 0};
    while (poll(&end, 1, 10) < 1 || (end.revents & (POLLHUP | POLLERR)) == 0) {
        assert_true(clock_now_ms() < deadline_ms);
    }
    assert_true(fixture->handled - 1 < sent / 2);
    buffer_done(&reply.body);
    (void) close(deaf);
    (void) close(other);
    fixture_stop(fixture);
}

/* Goal: with 64 requests unanswered the next one is not read, and nothing is lost once there is room again. */
static void test_reading_pauses_at_the_pipeline_limit(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    BUFFER_AUTO requests = BUFFER_EMPTY;
    int fd = client_open(fixture);
    int other = client_open(fixture);
    (void) state;
    for (int i = 0; i < 100; i++) {
        buffer_append_format(&requests, "GET /park/%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
    }
    client_send_bytes(fd, requests.data, requests.length);
    await_count(&fixture->parked_count, 64);
    /* Another client's answer proves that the loop has had its chance to read more. */
    expect_answer(other, &reply, "GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "1");
    assert_int_equal(fixture->parked_count, 64);
    fixture_tell(fixture, 'a');
    await_count(&fixture->handled, 101);
    assert_int_equal(fixture->parked_count, 36);
    fixture_tell(fixture, 'a');
    for (int i = 0; i < 100; i++) {
        assert_int_equal(client_read(fd, &reply, true), 200);
    }
    buffer_done(&reply.body);
    (void) close(fd);
    (void) close(other);
    fixture_stop(fixture);
}

/* Goal: a pipeline of requests that are answered at once is read to its end, however large the answers. */
static void test_large_answers_of_a_pipeline_all_arrive(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    (void) state;
    for (int i = 0; i < 20; i++) {
        client_send(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(client_read(fd, &reply, true), 200);
        assert_int_equal(reply.body.length, 1 << 20);
    }
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: over the connection limit clients wait in the backlog until one leaves. */
static void test_connections_over_the_limit_wait(void **state)
{
    const struct http_limits two = {.connections = 2};
    struct fixture *fixture = fixture_start(&two);
    struct reply reply = {0};
    int first = client_open(fixture);
    int second = client_open(fixture);
    (void) state;
    expect_answer(first, &reply, "GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "1");
    expect_answer(second, &reply, "GET /items/2 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "2");
    int third = client_open(fixture);
    client_send(third, "GET /items/3 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(first, &reply, "GET /items/4 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "4");
    assert_int_equal(fixture->handled, 3);
    (void) close(first);
    assert_int_equal(client_read(third, &reply, true), 200);
    assert_string_equal(buffer_text(&reply.body), "3");
    buffer_done(&reply.body);
    (void) close(second);
    (void) close(third);
    fixture_stop(fixture);
}

/* Goal: without descriptors the server goes on serving, and accepts again when there are some. */
static void test_running_out_of_descriptors_is_survived(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    struct rlimit old;
    int first = client_open(fixture);
    (void) state;
    expect_answer(first, &reply, "GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "1");
    int second = client_open(fixture); /* the last descriptor that this process gets */
    expect_answer(second, &reply, "GET /items/2 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "2");
    int third = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t) fixture->port)};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct rlimit none = {.rlim_cur = (rlim_t) third + 1, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(connect(third, (struct sockaddr *) &address, sizeof(address)), 0);
    client_send(third, "GET /items/3 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_answer(first, &reply, "GET /items/4 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "4");
    assert_int_equal(fixture->handled, 3);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(client_read(third, &reply, true), 200);
    assert_string_equal(buffer_text(&reply.body), "3");
    buffer_done(&reply.body);
    (void) close(first);
    (void) close(second);
    (void) close(third);
    fixture_stop(fixture);
}

/* Goal: many slow clients neither keep others waiting nor stay. */
static void test_slow_clients_do_not_hold_up_others(void **state)
{
    enum { SLOW = 200 };
    struct fixture *fixture = fixture_start(&impatient);
    struct reply reply = {0};
    int slow[SLOW];
    (void) state;
    for (int i = 0; i < SLOW; i++) {
        slow[i] = client_open(fixture);
        client_send(slow[i], "G");
    }
    int other = client_open(fixture);
    expect_answer(other, &reply, "GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "1");
    for (int i = 0; i < SLOW; i++) {
        assert_int_equal(client_read(slow[i], &reply, true), 408);
        (void) close(slow[i]);
    }
    buffer_done(&reply.body);
    (void) close(other);
    fixture_stop(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_close_the_connection),
        cmocka_unit_test(test_refusals_keep_the_order),
        cmocka_unit_test(test_refusal_is_read_while_the_body_is_still_sent),
        cmocka_unit_test(test_head_limits_have_their_own_answers),
        cmocka_unit_test(test_largest_body_is_taken),
        cmocka_unit_test(test_slow_clients_are_given_up),
        cmocka_unit_test(test_dripping_does_not_extend_the_limit),
        cmocka_unit_test(test_waiting_for_a_handler_has_no_limit_here),
        cmocka_unit_test(test_client_that_reads_nothing_is_closed),
        cmocka_unit_test(test_reading_pauses_at_the_pipeline_limit),
        cmocka_unit_test(test_large_answers_of_a_pipeline_all_arrive),
        cmocka_unit_test(test_connections_over_the_limit_wait),
        cmocka_unit_test(test_running_out_of_descriptors_is_survived),
        cmocka_unit_test(test_slow_clients_do_not_hold_up_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
