/* Goal: the pipeline answers every query exactly once, in the presence of errors, timeouts, full queues, hosts that are
 * silent and a server that goes away and comes back, against a real PostgreSQL. */
#include <sys/socket.h>
#include <sys/un.h>

#include "digitalism/base/file.h"
#include "pipeline_owner.h"

static void test_answers_in_order(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 100);
    struct outcome outcomes[50] = {{.replies = 0}};
    unsigned order = 0;
    until_connected(pipeline);
    assert_null(db_pipeline_error(pipeline));
    for (unsigned i = 0; i < 50; i++) {
        char number[16];
        (void) snprintf(number, sizeof(number), "n%u", i);
        outcomes[i].order = &order;
        /* The text is the caller's again as soon as the call returns. */
        assert_int_equal(query(pipeline, ECHO, number, NULL, &outcomes[i]), 0);
    }
    assert_int_equal(db_pipeline_depth(pipeline), 50);
    until_done(pipeline);
    for (unsigned i = 0; i < 50; i++) {
        char number[16];
        (void) snprintf(number, sizeof(number), "n%u", i);
        assert_int_equal(outcomes[i].replies, 1);
        assert_int_equal(outcomes[i].place, i);
        assert_string_equal(outcomes[i].text[0], number);
    }
    db_pipeline_free(pipeline);
}

static void test_null_parameters_and_columns(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 100);
    struct outcome outcome = {.columns = 2};
    until_connected(pipeline);
    assert_int_equal(query(pipeline, ECHO, NULL, "é", &outcome), 0);
    until_done(pipeline);
    assert_true(outcome.null[0]);
    assert_false(outcome.null[1]);
    assert_string_equal(outcome.text[1], "é");
    db_pipeline_free(pipeline);
}

static void test_session_settings(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 100);
    struct outcome outcome = {.columns = 3};
    until_connected(pipeline);
    assert_int_equal(query(pipeline, SETTINGS, NULL, NULL, &outcome), 0);
    until_done(pipeline);
    assert_string_equal(outcome.text[0], "UTC");
    assert_string_equal(outcome.text[1], "500ms");
    assert_string_equal(outcome.text[2], "0.30000000000000004");
    db_pipeline_free(pipeline);
}

/* A failing query among others of the same turn fails alone, wherever it stands and however many they are. */
static void test_error_leaves_neighbours_alone(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 100);
    struct outcome outcomes[20] = {{.replies = 0}};
    until_connected(pipeline);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(query(pipeline, DIVIDE, i % 5 == 0 ? "0" : "3", NULL, &outcomes[i]), 0);
    }
    until_done(pipeline);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(outcomes[i].replies, 1);
        assert_int_equal(outcomes[i].failed, i % 5 == 0);
        if (i % 5 == 0) {
            assert_string_equal(outcomes[i].err.sqlstate, "22012");
            assert_false(outcomes[i].err.transient);
        } else {
            assert_string_equal(outcomes[i].text[0], "4");
        }
    }
    assert_true(db_pipeline_connected(pipeline));
    db_pipeline_free(pipeline);
}

static void test_statement_timeout(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 100);
    struct outcome slow = {.replies = 0};
    struct outcome quick = {.replies = 0};
    until_connected(pipeline);
    assert_int_equal(query(pipeline, SLEEP, "30", NULL, &slow), 0);
    assert_int_equal(query(pipeline, DIVIDE, "3", NULL, &quick), 0);
    until_done(pipeline);
    assert_true(slow.failed);
    assert_string_equal(slow.err.sqlstate, "57014");
    assert_false(quick.failed);
    db_pipeline_free(pipeline);
}

static void test_full_queue_refuses(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 3);
    struct outcome outcomes[4] = {{.replies = 0}};
    struct err err;
    const char *values[] = {"1"};
    until_connected(pipeline);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(query(pipeline, DIVIDE, "1", NULL, &outcomes[i]), 0);
    }
    assert_int_equal(db_pipeline_query(pipeline, DIVIDE, values, keep, &outcomes[3], &err), -(int) ERR_DATABASE);
    assert_true(err.transient);
    assert_non_null(strstr(err.message, "3 queries are already waiting"));
    until_done(pipeline);
    assert_int_equal(outcomes[3].replies, 0);
    assert_int_equal(query(pipeline, DIVIDE, "1", NULL, &outcomes[3]), 0);
    until_done(pipeline);
    assert_false(outcomes[3].failed);
    db_pipeline_free(pipeline);
}

/* Far more than the sockets hold in both directions. */
static void test_large_traffic(void **state)
{
    enum { COUNT = 2000, TEXT = 20000 };
    /* PostgreSQL counts the time that a busy machine's client takes to read as the statement's. */
    struct db_pipeline *pipeline = make_with_timeout(*state, statements, STATEMENT_COUNT, COUNT, LIMIT_MS);
    static struct outcome outcomes[COUNT];
    static char text[TEXT + 1];
    memset(text, 'y', TEXT);
    until_connected(pipeline);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(i % 4 == 0 ? query(pipeline, MANY, "50", NULL, &outcomes[i])
                                    : query(pipeline, ECHO, text, text, &outcomes[i]),
                         0);
    }
    until_done(pipeline);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(outcomes[i].replies, 1);
        assert_int_equal(outcomes[i].rows, i % 4 == 0 ? 50 : 1);
    }
    db_pipeline_free(pipeline);
}

/* The backend ends under its own query: everything behind it fails as transient, and the pipeline comes back. */
static void test_lost_connection_fails_all_and_returns(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 100);
    struct outcome outcomes[4] = {{.replies = 0}};
    until_connected(pipeline);
    unsigned generation = db_pipeline_generation(pipeline);
    assert_int_equal(query(pipeline, TERMINATE, NULL, NULL, &outcomes[0]), 0);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(query(pipeline, DIVIDE, "1", NULL, &outcomes[i]), 0);
    }
    until_lost(pipeline);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(outcomes[i].replies, 1);
        assert_true(outcomes[i].failed);
        assert_true(outcomes[i].err.transient);
    }
    assert_int_equal(db_pipeline_fd(pipeline), -1);
    assert_true(db_pipeline_error(pipeline)->transient);
    assert_int_equal(query(pipeline, DIVIDE, "1", NULL, &outcomes[0]), -(int) ERR_DATABASE);
    until_connected(pipeline);
    assert_int_not_equal(db_pipeline_generation(pipeline), generation);
    assert_int_equal(query(pipeline, DIVIDE, "2", NULL, &outcomes[1]), 0);
    until_done(pipeline);
    assert_string_equal(outcomes[1].text[0], "6");
    db_pipeline_free(pipeline);
}

/* The whole server dies under a query and starts again: no new pipeline is needed. */
static void test_server_restart(void **state)
{
    struct fixture *fixture = *state;
    struct db_pipeline *pipeline = make(fixture, statements, STATEMENT_COUNT, 100);
    struct outcome outcome = {.replies = 0};
    until_connected(pipeline);
    assert_int_equal(query(pipeline, SLEEP, "0.4", NULL, &outcome), 0);
    db_pipeline_flush(pipeline);
    server_stop(&fixture->server, SIGQUIT);
    until_lost(pipeline);
    assert_int_equal(outcome.replies, 1);
    assert_true(outcome.failed);
    assert_true(outcome.err.transient);
    /* Several attempts fail meanwhile. */
    int64_t seen_ms = db_pipeline_deadline_ms(pipeline);
    for (unsigned attempts = 0; attempts < 3;) {
        turn(pipeline);
        attempts += db_pipeline_deadline_ms(pipeline) != seen_ms;
        seen_ms = db_pipeline_deadline_ms(pipeline);
        assert_false(db_pipeline_connected(pipeline));
    }
    server_start(&fixture->server);
    until_connected(pipeline);
    assert_int_equal(query(pipeline, DIVIDE, "2", NULL, &outcome), 0);
    until_done(pipeline);
    assert_false(outcome.failed);
    db_pipeline_free(pipeline);
}

/* A query that comes while the very first attempt is under way is answered, not refused. */
static void test_early_query_waits(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 100);
    struct outcome outcome = {.replies = 0};
    assert_int_equal(query(pipeline, DIVIDE, "2", NULL, &outcome), -(int) ERR_DATABASE);
    db_pipeline_tick(pipeline);
    assert_false(db_pipeline_connected(pipeline));
    assert_int_equal(query(pipeline, DIVIDE, "2", NULL, &outcome), 0);
    until_done(pipeline);
    assert_false(outcome.failed);
    assert_string_equal(outcome.text[0], "6");
    db_pipeline_free(pipeline);
}

/* Nobody refuses and nobody answers: early queries are told so after a second, the attempt ends at its limit, and after
 * some attempts an outage is told at once. */
static void test_connecting_has_limits(void **state)
{
    struct fixture *fixture = *state;
    struct db_pipeline *pipeline = make(fixture, statements, STATEMENT_COUNT, 100);
    struct outcome outcome = {.replies = 0};
    assert_int_equal(kill(fixture->server.pid, SIGSTOP), 0);
    db_pipeline_tick(pipeline);
    assert_int_equal(query(pipeline, DIVIDE, "2", NULL, &outcome), 0);
    until_done(pipeline);
    assert_true(outcome.failed && outcome.err.transient);
    assert_non_null(strstr(outcome.err.message, "still connecting to tester@"));
    unsigned attempts = 0;
    int64_t limit_ms = clock_now_ms() + LIMIT_MS;
    for (int fd = db_pipeline_fd(pipeline); attempts < 2; fd = db_pipeline_fd(pipeline)) {
        assert_true(clock_now_ms() < limit_ms);
        turn(pipeline);
        attempts += fd >= 0 && db_pipeline_fd(pipeline) < 0;
    }
    assert_non_null(strstr(db_pipeline_error(pipeline)->message, "no answer within 2000 ms"));
    while (db_pipeline_fd(pipeline) < 0) {
        turn(pipeline);
    }
    assert_int_equal(query(pipeline, DIVIDE, "2", NULL, &outcome), -(int) ERR_DATABASE);
    assert_int_equal(kill(fixture->server.pid, SIGCONT), 0);
    until_connected(pipeline);
    db_pipeline_free(pipeline);
}

/* A server that stops answering without closing anything is given up some seconds after the statement's own limit. */
static void test_silent_server_is_given_up(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 100);
    struct outcome outcome = {.replies = 0};
    until_connected(pipeline);
    assert_int_equal(query(pipeline, BACKEND, NULL, NULL, &outcome), 0);
    until_done(pipeline);
    pid_t backend = (pid_t) strtol(outcome.text[0], NULL, 10);
    assert_int_equal(kill(backend, SIGSTOP), 0);
    assert_int_equal(query(pipeline, DIVIDE, "2", NULL, &outcome), 0);
    until_done(pipeline);
    assert_int_equal(kill(backend, SIGCONT), 0);
    assert_true(outcome.failed && outcome.err.transient);
    assert_non_null(strstr(outcome.err.message, "has fallen silent"));
    until_connected(pipeline);
    db_pipeline_free(pipeline);
}

static void test_free_fails_what_is_in_flight(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 100);
    struct outcome sent = {.replies = 0};
    struct outcome queued = {.replies = 0};
    until_connected(pipeline);
    assert_int_equal(query(pipeline, SLEEP, "0.4", NULL, &sent), 0);
    db_pipeline_flush(pipeline);
    assert_int_equal(query(pipeline, SLEEP, "0.4", NULL, &queued), 0);
    db_pipeline_free(pipeline);
    assert_int_equal(sent.replies, 1);
    assert_true(sent.failed);
    assert_int_equal(queued.replies, 1);
    assert_true(queued.failed);
}

/* A statement that the server refuses (a table that is not there yet) keeps the pipeline away and says why. */
static void test_refused_statement_is_told(void **state)
{
    static const struct db_statement bad[] = {{"SELECT 1", 0}, {"SELECT * FROM no_such_table", 0}, {"SELECT 2", 0}};
    struct db_pipeline *pipeline = make(*state, bad, 3, 100);
    struct outcome outcome = {.replies = 0};
    db_pipeline_tick(pipeline);
    assert_int_equal(query(pipeline, 0, NULL, NULL, &outcome), 0);
    until_done(pipeline);
    assert_true(outcome.failed);
    assert_string_equal(outcome.err.sqlstate, "42P01");
    assert_non_null(strstr(outcome.err.message, "cannot prepare the session on tester@"));
    assert_false(db_pipeline_connected(pipeline));
    assert_true(db_pipeline_error(pipeline)->transient);
    db_pipeline_free(pipeline);
}

/* A host that accepts and then says nothing does not hide the one behind it. */
static void test_silent_host_is_passed(void **state)
{
    const struct fixture *fixture = *state;
    struct fixture two = {.target = NULL};
    char url[256];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.1", fixture->server.directory);
    FILE_FD_AUTO silent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(silent, (const struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(listen(silent, 10), 0);
    (void) snprintf(url, sizeof(url), "postgresql://tester@/postgres?host=%s,%s&port=1,5432", fixture->server.directory,
                    fixture->server.directory);
    assert_int_equal(db_target_new(&two.target, url, NULL, NULL, NULL), 0);
    struct db_pipeline *pipeline = make(&two, statements, STATEMENT_COUNT, 100);
    struct outcome outcome = {.replies = 0};
    until_connected(pipeline);
    assert_int_equal(query(pipeline, DIVIDE, "2", NULL, &outcome), 0);
    until_done(pipeline);
    assert_string_equal(outcome.text[0], "6");
    db_pipeline_free(pipeline);
    db_target_free(two.target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_in_order),
        cmocka_unit_test(test_null_parameters_and_columns),
        cmocka_unit_test(test_session_settings),
        cmocka_unit_test(test_error_leaves_neighbours_alone),
        cmocka_unit_test(test_statement_timeout),
        cmocka_unit_test(test_full_queue_refuses),
        cmocka_unit_test(test_large_traffic),
        cmocka_unit_test(test_lost_connection_fails_all_and_returns),
        cmocka_unit_test(test_server_restart),
        cmocka_unit_test(test_early_query_waits),
        cmocka_unit_test(test_connecting_has_limits),
        cmocka_unit_test(test_silent_server_is_given_up),
        cmocka_unit_test(test_free_fails_what_is_in_flight),
        cmocka_unit_test(test_refused_statement_is_told),
        cmocka_unit_test(test_silent_host_is_passed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
