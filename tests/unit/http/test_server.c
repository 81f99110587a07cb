/* The server on a loopback socket, as its clients see it: keep-alive, pipelining, order, routes, drain.
 * Not here: refusals (test_refusals.c), limits (test_limits.c). */
#include "fixture.h"

/* Goal: the answer to a GET has all the headers that the server owes, and the connection stays open. */
static void test_get_has_the_headers_and_keeps_the_connection(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    (void) state;
    expect_answer(fd, &reply, "GET /items/42 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "42");
    assert_string_equal(reply_header(&reply, "Content-Type"), "text/plain; charset=utf-8");
    assert_string_equal(reply_header(&reply, "Content-Length"), "2");
    assert_string_equal(reply_header(&reply, "X-Content-Type-Options"), "nosniff");
    assert_int_equal(strlen(reply_header(&reply, "X-Request-ID")), 16);
    assert_int_equal(strlen(reply_header(&reply, "Date")), 29);
    assert_null(reply_header(&reply, "Server"));
    assert_null(reply_header(&reply, "Connection"));
    expect_answer(fd, &reply, "GET /items/43 HTTP/1.1\r\nHost: x\r\nX-Request-ID: mine-1\r\n\r\n", 200, "43");
    assert_string_equal(reply_header(&reply, "X-Request-ID"), "mine-1");
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: an id that is too long or not printable is not taken over. */
static void test_insane_request_ids_are_replaced(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    char request[1024];
    char long_id[130];
    (void) state;
    memset(long_id, 'a', sizeof(long_id) - 1);
    long_id[sizeof(long_id) - 1] = '\0';
    (void) snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: %s\r\n\r\n", long_id);
    expect_answer(fd, &reply, request, 200, "");
    assert_int_equal(strlen(reply_header(&reply, "X-Request-ID")), 16);
    long_id[128] = '\0';
    (void) snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: %s\r\n\r\n", long_id);
    expect_answer(fd, &reply, request, 200, "");
    assert_string_equal(reply_header(&reply, "X-Request-ID"), long_id);
    expect_answer(fd, &reply, "GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: a b\r\n\r\n", 200, "");
    assert_int_equal(strlen(reply_header(&reply, "X-Request-ID")), 16);
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: 16 requests sent at once are answered in order and arrive in one piece. */
static void test_pipelined_requests_are_answered_in_order_by_one_write(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    BUFFER_AUTO requests = BUFFER_EMPTY;
    BUFFER_AUTO answers = BUFFER_EMPTY;
    int fd = client_open(fixture);
    (void) state;
    for (int i = 0; i < 16; i++) {
        buffer_append_format(&requests, "GET /items/n%02d HTTP/1.1\r\nHost: x\r\n\r\n", i);
    }
    client_send_bytes(fd, requests.data, requests.length);
    char *room = buffer_reserve(&answers, 65536);
    ssize_t count = client_receive(fd, room, 65536);
    assert_true(count > 0);
    buffer_commit(&answers, (size_t) count);
    const char *at = answers.data;
    for (int i = 0; i < 16; i++) {
        char wanted[32];
        (void) snprintf(wanted, sizeof(wanted), "\r\n\r\nn%02d", i);
        at = strstr(at, wanted);
        assert_non_null(at);
    }
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: handlers that answer late and in the wrong order do not change the order on the wire. */
static void test_late_answers_keep_the_order_of_the_requests(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    (void) state;
    for (int i = 0; i < 10; i++) {
        client_send(fd, "GET /park/x HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    client_send(fd, "GET /items/last HTTP/1.1\r\nHost: x\r\n\r\n");
    await_count(&fixture->handled, 11);
    fixture_tell(fixture, 'r');
    for (int i = 0; i < 10; i++) {
        char wanted[32];
        (void) snprintf(wanted, sizeof(wanted), "answer %d", i);
        assert_int_equal(client_read(fd, &reply, true), 200);
        assert_string_equal(buffer_text(&reply.body), wanted);
    }
    assert_int_equal(client_read(fd, &reply, true), 200);
    assert_string_equal(buffer_text(&reply.body), "last");
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: a handler may answer a client that has gone; the access log still hears of it. */
static void test_answers_to_vanished_clients_are_dropped(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int fd = client_open(fixture);
    (void) state;
    client_send(fd, "GET /park/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /park/2 HTTP/1.1\r\nHost: x\r\n\r\n");
    await_count(&fixture->parked_count, 2);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    (void) close(fd);
    /* A second client's answer proves that the loop has seen the reset of the first. */
    struct reply reply = {0};
    fd = client_open(fixture);
    expect_answer(fd, &reply, "GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "1");
    fixture_tell(fixture, 'a');
    await_count(&fixture->logged, 3);
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: a client that has sent all and shut down its side still gets its answers. */
static void test_half_closed_clients_get_their_answers(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    (void) state;
    client_send(fd, "GET /park/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    await_count(&fixture->parked_count, 1);
    fixture_tell(fixture, 'a');
    assert_int_equal(client_read(fd, &reply, true), 200);
    assert_string_equal(buffer_text(&reply.body), "answer 0");
    expect_end(fd);
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: who keeps the connection open is as RFC 9112, 9.3 says. */
static void test_connections_close_or_stay_as_asked(void **state)
{
    static const struct {
        const char *request;
        const char *connection; /* in the answer */
        bool closes;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL, false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "close", true},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Close, TE\r\n\r\n", "close", true},
        {"GET / HTTP/1.0\r\n\r\n", "close", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", false},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", NULL, false},
        {"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL, false},
    };
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = client_open(fixture);
        expect_answer(fd, &reply, cases[i].request, 200, "");
        const char *connection = reply_header(&reply, "Connection");
        assert_string_equal(connection == NULL ? "" : connection,
                            cases[i].connection == NULL ? "" : cases[i].connection);
        if (cases[i].closes) {
            expect_end(fd);
        } else {
            expect_answer(fd, &reply, "GET /items/7 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "7");
        }
        (void) close(fd);
    }
    buffer_done(&reply.body);
    fixture_stop(fixture);
}

/* Goal: bodies arrive whole, by length and in chunks, with extensions and trailers. */
static void test_bodies_arrive_whole(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    (void) state;
    expect_answer(fd, &reply, "POST /items/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200, "hello");
    expect_answer(fd, &reply,
                  "POST /items/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
                  "5\r\nhello\r\n00A;name=\"v\"\r\n, world ok\r\n0\r\nX-Trailer: 1\r\n\r\n",
                  200, "hello, world ok");
    expect_answer(fd, &reply, "POST /items/ HTTP/1.1\r\nHost: x\r\n\r\n", 200, "");
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: 100 Continue comes only when it is asked for, while the body is awaited, and behind earlier answers. */
static void test_expect_continue_is_answered(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    (void) state;
    expect_answer(fd, &reply, "POST /items/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
                  100, "");
    expect_answer(fd, &reply, "ok", 200, "ok");
    /* With the body at hand there is nothing to ask for. */
    expect_answer(fd, &reply, "POST /items/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok",
                  200, "ok");
    /* Behind an answer that is still awaited. */
    client_send(fd, "GET /park/1 HTTP/1.1\r\nHost: x\r\n\r\n"
                    "POST /items/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    await_count(&fixture->parked_count, 1);
    fixture_tell(fixture, 'a');
    assert_int_equal(client_read(fd, &reply, true), 200);
    assert_int_equal(client_read(fd, &reply, true), 100);
    expect_answer(fd, &reply, "ok", 200, "ok");
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: HEAD is GET without the body; the length is the one that GET would have. */
static void test_head_has_the_headers_of_get(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    (void) state;
    expect_answer(fd, &reply, "HEAD /items/12345 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "");
    assert_string_equal(reply_header(&reply, "Content-Length"), "5");
    expect_answer(fd, &reply, "HEAD /nope HTTP/1.1\r\nHost: x\r\n\r\n", 404, "");
    expect_answer(fd, &reply, "GET /items/12345 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "12345");
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: paths lead where the table says, and what leads nowhere says how. */
static void test_paths_lead_where_the_table_says(void **state)
{
    static const struct {
        const char *method;
        const char *target;
        int status;
        const char *header; /* "Name: value" that must be there, or NULL */
        const char *body;
    } cases[] = {
        {"GET", "/items/caf%C3%A9", 200, NULL, "caf\xC3\xA9"},
        {"GET", "/items/caf\xC3\xA9", 200, NULL, "caf\xC3\xA9"},
        {"GET", "/items/a%2Fb", 200, NULL, "a/b"},
        {"GET", "/%69tems/7", 200, NULL, "7"},
        {"GET", "http://other/items/7?x", 200, NULL, "7"},
        {"GET", "/items/a%zzb", 400, NULL, NULL},
        {"GET", "/items/a%4", 400, NULL, NULL},
        {"GET", "/items/%E9", 400, NULL, NULL},
        {"GET", "/items/..", 404, NULL, NULL},
        {"GET", "/items/%2e%2E", 404, NULL, NULL},
        {"GET", "/../items/7", 404, NULL, NULL},
        {"GET", "/items", 307, "Location: /items/", NULL},
        {"POST", "/items?a=1&b=%20", 307, "Location: /items/?a=1&b=%20", NULL},
        {"GET", "/items/7/", 307, "Location: /items/7", NULL},
        {"PUT", "/items/%C3%A9/?q=\xC3\xA9", 307, "Location: /items/%C3%A9?q=%C3%A9", NULL},
        {"GET", "/query/?q=1", 307, "Location: /query?q=1", NULL},
        {"GET", "//items/", 404, NULL, NULL},
        {"GET", "/Items/", 404, NULL, NULL},
        {"DELETE", "/items/", 405, "Allow: GET, HEAD, POST", NULL},
        {"POST", "/items/7", 405, "Allow: GET, HEAD, PUT, DELETE", NULL},
        {"OPTIONS", "/query", 405, "Allow: GET, HEAD", NULL},
        {"OPTIONS", "*", 405, "Allow: GET, HEAD, POST, PUT, DELETE", NULL},
        {"PATCH", "/items/bulk", 405, "Allow: POST", NULL},
        {"PATCH", "/nope", 404, NULL, NULL},
        {"DELETE", "/items/7", 204, NULL, ""},
        {"GET", "/query?q=a+b%2B%26&x=1", 200, NULL, "a b+&"},
        {"GET", "/query?q=1&q=2", 200, NULL, "2"},
        {"GET", "/query?q", 200, NULL, ""},
        {"GET", "/query?q=%zz", 200, NULL, "%zz"},
        {"GET", "/query?&&%71=in", 200, NULL, "in"},
        {"GET", "/query?a&b&c&d&e", 200, NULL, "(none)"},
        {"GET", "/query", 200, NULL, "(none)"},
    };
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char request[256];
        (void) snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", cases[i].method,
                        cases[i].target);
        print_message("%s %s\n", cases[i].method, cases[i].target);
        expect_answer(fd, &reply, request, cases[i].status, cases[i].body);
        if (cases[i].header != NULL) {
            char line[256];
            (void) snprintf(line, sizeof(line), "\r\n%s\r\n", cases[i].header);
            assert_non_null(strstr(reply.head, line));
        }
    }
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: the access log gets the request as it came, the bytes of the body, and the id. */
static void test_access_log_has_the_request_as_received(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int fd = client_open(fixture);
    (void) state;
    expect_answer(fd, &reply, "GET /items/a%20b?q=1 HTTP/1.1\r\nHost: x\r\nX-Request-ID: id1\r\n\r\n", 200, "a b");
    await_count(&fixture->logged, 1);
    assert_string_equal(fixture->last_line, "127.0.0.1 GET /items/a%20b?q=1 200 3 id1 1");
    buffer_done(&reply.body);
    (void) close(fd);
    fixture_stop(fixture);
}

/* Goal: a drain closes idle connections at once, answers what is in flight with `Connection: close`, also what waits in
 * the backlog, and then the loop ends by itself. */
static void test_drain_answers_what_is_in_flight_and_ends(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    struct reply reply = {0};
    int idle = client_open(fixture);
    int busy = client_open(fixture);
    (void) state;
    expect_answer(idle, &reply, "GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "1");
    client_send(busy, "GET /park/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /park/2 HTTP/1.1\r\nHost: x\r\n\r\n");
    await_count(&fixture->parked_count, 2);
    int fresh = client_open(fixture); /* its request is in the kernel before the drain is asked for */
    client_send(fresh, "GET /items/2 HTTP/1.1\r\nHost: x\r\n\r\nGET /items/3 HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture_tell(fixture, 'd');
    expect_end(idle);
    assert_int_equal(client_read(fresh, &reply, true), 200);
    assert_string_equal(buffer_text(&reply.body), "2");
    assert_int_equal(client_read(fresh, &reply, true), 200);
    assert_string_equal(buffer_text(&reply.body), "3");
    fixture_tell(fixture, 'a');
    assert_int_equal(client_read(busy, &reply, true), 200);
    assert_null(reply_header(&reply, "Connection"));
    assert_int_equal(client_read(busy, &reply, true), 200);
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    expect_end(busy);
    (void) close(busy);
    (void) close(fresh);
    (void) close(idle);
    fixture_join(fixture);
    buffer_done(&reply.body);
    fixture_free(fixture);
}

/* Goal: a connection that never asked anything does not hold up a drain. */
static void test_drain_does_not_wait_for_silent_connections(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    int silent = client_open(fixture);
    int partial = client_open(fixture);
    (void) state;
    client_send(partial, "GET / HT");
    fixture_tell(fixture, 'd');
    expect_end(silent);
    struct reply reply = {0};
    assert_int_equal(client_read(partial, &reply, true), 408);
    (void) close(silent);
    (void) close(partial);
    fixture_join(fixture);
    buffer_done(&reply.body);
    fixture_free(fixture);
}

/* Goal: timers and the turn's hook work; a stop ends the loop while connections are open. */
static void test_timers_and_turns(void **state)
{
    struct fixture *fixture = fixture_start(NULL);
    int fd = client_open(fixture);
    (void) state;
    await_count(&fixture->turns, 1);
    fixture_tell(fixture, 't');
    fixture_join(fixture);
    (void) close(fd);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_has_the_headers_and_keeps_the_connection),
        cmocka_unit_test(test_insane_request_ids_are_replaced),
        cmocka_unit_test(test_pipelined_requests_are_answered_in_order_by_one_write),
        cmocka_unit_test(test_late_answers_keep_the_order_of_the_requests),
        cmocka_unit_test(test_answers_to_vanished_clients_are_dropped),
        cmocka_unit_test(test_half_closed_clients_get_their_answers),
        cmocka_unit_test(test_connections_close_or_stay_as_asked),
        cmocka_unit_test(test_bodies_arrive_whole),
        cmocka_unit_test(test_expect_continue_is_answered),
        cmocka_unit_test(test_head_has_the_headers_of_get),
        cmocka_unit_test(test_paths_lead_where_the_table_says),
        cmocka_unit_test(test_access_log_has_the_request_as_received),
        cmocka_unit_test(test_drain_answers_what_is_in_flight_and_ends),
        cmocka_unit_test(test_drain_does_not_wait_for_silent_connections),
        cmocka_unit_test(test_timers_and_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
