/* Goal: statements, their results and every way in which they fail, on a real PostgreSQL; stops and silent servers.
 * Not here: logins (tests/integration/test_wait.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/eventfd.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "digitalism/base/stop.h"
#include "digitalism/db.h"
#include "server.h"

#define LIMIT_MS 20000

struct fixture {
    struct server server;
    struct db_target *target;
    struct db *db;
    struct err err;
};

static int open_fixture_connection(struct fixture *fixture, struct db **out, struct err *err)
{
    const struct db_options options = {.application_name = "unit", .connect_timeout_ms = LIMIT_MS};
    return db_open(out, fixture->target, &options, err);
}

static int set_up_server(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    server_new(&fixture->server);
    char url[256];
    (void) snprintf(url, sizeof(url), "postgresql://tester@/postgres?host=%s", fixture->server.directory);
    assert_int_equal(db_target_new(&fixture->target, url, NULL, NULL, NULL), 0);
    struct err err = {.transient = true};
    int64_t deadline_ms = clock_now_ms() + LIMIT_MS;
    DB_AUTO db = NULL;
    while (open_fixture_connection(fixture, &db, &err) != 0) {
        assert_true(err.transient && clock_remaining_ms(deadline_ms) > 0);
        assert_int_equal(stop_sleep(STOP_NONE, 20, NULL), 0);
    }
    *state = fixture;
    return 0;
}

static int tear_down_server(void **state)
{
    struct fixture *fixture = *state;
    server_free(&fixture->server);
    db_target_free(fixture->target);
    free(fixture);
    return 0;
}

static int set_up(void **state)
{
    struct fixture *fixture = *state;
    memset(&fixture->err, 0, sizeof(fixture->err));
    return open_fixture_connection(fixture, &fixture->db, &fixture->err);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    db_auto_close(&fixture->db);
    return 0;
}

static void test_values_and_types_come_back(void **state)
{
    struct fixture *fixture = *state;
    static const unsigned char number[] = {0, 0, 0, 42};
    const struct db_value values[] = {db_text("é"), db_text(NULL), db_binary(number, sizeof(number), 23)};
    DB_RESULT_AUTO result = NULL;
    assert_int_equal(db_query(fixture->db, &result, "SELECT $1::text, $2::text, $3, $3 = 42, false, -7000000000",
                              values, 3, &fixture->err),
                     0);
    assert_int_equal(db_result_rows(result), 1);
    assert_string_equal(db_result_text(result, 0, 0), "é");
    assert_true(db_result_null(result, 0, 1));
    assert_string_equal(db_result_text(result, 0, 1), "");
    assert_int_equal(db_result_integer(result, 0, 2), 42);
    assert_true(db_result_boolean(result, 0, 3));
    assert_false(db_result_boolean(result, 0, 4));
    assert_int_equal(db_result_integer(result, 0, 5), -7000000000);
}

static void test_session_has_its_settings(void **state)
{
    struct fixture *fixture = *state;
    DB_AUTO db = NULL;
    const struct db_options options = {
        .application_name = "unit", .connect_timeout_ms = LIMIT_MS, .statement_timeout_ms = 1234};
    assert_int_equal(db_open(&db, fixture->target, &options, &fixture->err), 0);
    DB_RESULT_AUTO result = NULL;
    const char *sql = "SELECT concat_ws(' ', current_setting('TimeZone'), current_setting('DateStyle'),"
                      " current_setting('client_encoding'), current_setting('statement_timeout'),"
                      " current_setting('application_name'))";
    assert_int_equal(db_query(db, &result, sql, NULL, 0, &fixture->err), 0);
    assert_string_equal(db_result_text(result, 0, 0), "UTC ISO, YMD UTF8 1234ms unit");
}

static void test_prepared_statement_and_affected_rows(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(db_exec(fixture->db, "CREATE TEMP TABLE t (a int)", &fixture->err), 0);
    assert_int_equal(db_prepare(fixture->db, "fill", "INSERT INTO t SELECT generate_series(1, $1::int)", &fixture->err),
                     0);
    const struct db_value values[] = {db_text("5")};
    DB_RESULT_AUTO result = NULL;
    assert_int_equal(db_query_prepared(fixture->db, &result, "fill", values, 1, &fixture->err), 0);
    assert_int_equal(db_result_affected(result), 5);
    assert_int_equal(db_query_prepared(fixture->db, NULL, "fill", values, 1, &fixture->err), 0);
}

static void assert_works(struct fixture *fixture)
{
    DB_RESULT_AUTO result = NULL;
    assert_int_equal(db_query(fixture->db, &result, "SELECT 1", NULL, 0, &fixture->err), 0);
    assert_int_equal(db_result_integer(result, 0, 0), 1);
}

static void test_statement_error_has_its_position_in_characters(void **state)
{
    struct fixture *fixture = *state;
    struct db_diagnosis told = {.position = 99};
    const char *sql = "SELECT 'é'; SELEC 1";
    assert_int_equal(db_exec_statement(fixture->db, sql, NULL, 0, &told, &fixture->err), -ERR_DATABASE);
    assert_int_equal(told.position, 13);
    assert_string_equal(told.message, "syntax error at or near \"SELEC\"");
    assert_string_equal(told.detail, "");
    assert_string_equal(fixture->err.message, "syntax error at or near \"SELEC\" (42601)");
    assert_string_equal(fixture->err.sqlstate, "42601");
    assert_false(fixture->err.transient);
    assert_works(fixture);
}

static void test_error_has_detail_and_hint(void **state)
{
    struct fixture *fixture = *state;
    struct db_diagnosis told = {.position = 99};
    const char *sql = "DO $$ BEGIN RAISE EXCEPTION 'what' USING DETAIL = 'why', HINT = 'do'; END $$";
    assert_int_equal(db_exec_statement(fixture->db, sql, NULL, 0, &told, &fixture->err), -ERR_DATABASE);
    assert_int_equal(told.position, 0);
    assert_string_equal(told.message, "what");
    assert_string_equal(told.detail, "why");
    assert_string_equal(told.hint, "do");
    assert_string_equal(told.context, "PL/pgSQL function inline_code_block line 1 at RAISE");
    assert_string_equal(fixture->err.message, "what; why (P0001)");
    assert_string_equal(fixture->err.hint, "do");
    assert_works(fixture);
}

/* Goal: what does not fit ends between two characters. */
static void test_long_diagnosis_is_cut(void **state)
{
    struct fixture *fixture = *state;
    struct db_diagnosis told = {.position = 99};
    const char *sql = "DO $$ BEGIN RAISE EXCEPTION '%', repeat('x', 510) || 'éé'; END $$";
    assert_int_equal(db_exec_statement(fixture->db, sql, NULL, 0, &told, &fixture->err), -ERR_DATABASE);
    assert_int_equal(strlen(told.message), 510);
    assert_works(fixture);
}

static void test_diagnosis_is_filled_by_errors_only(void **state)
{
    struct fixture *fixture = *state;
    struct db_diagnosis told = {.position = 99, .message = "x"};
    assert_int_equal(db_exec_statement(fixture->db, "SELECT 1", NULL, 0, &told, &fixture->err), 0);
    assert_int_equal(told.position, 99);
    assert_string_equal(told.message, "x");
}

static void test_rows_of_the_last_statement_are_kept(void **state)
{
    struct fixture *fixture = *state;
    DB_RESULT_AUTO result = NULL;
    assert_int_equal(db_exec_rows(fixture->db, &result, "SELECT 1; SELECT 2 UNION SELECT 3 ORDER BY 1", &fixture->err),
                     0);
    assert_int_equal(db_result_rows(result), 2);
    assert_string_equal(db_result_text(result, 0, 0), "2");
}

static void test_failed_script_is_rolled_back_whole(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(db_exec(fixture->db, "CREATE TABLE half (a int); SELECT 1/0", &fixture->err), -ERR_DATABASE);
    assert_string_equal(fixture->err.sqlstate, "22012");
    assert_int_equal(db_exec(fixture->db, "SELECT * FROM half", &fixture->err), -ERR_DATABASE);
    assert_string_equal(fixture->err.sqlstate, "42P01");
}

static void test_transaction_state_is_known(void **state)
{
    struct fixture *fixture = *state;
    assert_false(db_in_transaction(fixture->db));
    assert_int_equal(db_exec(fixture->db, "BEGIN", &fixture->err), 0);
    assert_true(db_in_transaction(fixture->db));
    assert_int_equal(db_exec(fixture->db, "SELECT 1/0", &fixture->err), -ERR_DATABASE);
    assert_true(db_in_transaction(fixture->db));
    assert_int_equal(db_exec(fixture->db, "ROLLBACK", &fixture->err), 0);
    assert_false(db_in_transaction(fixture->db));
    assert_true(db_server_version(fixture->db) >= 130000);
}

static void test_copy_in_a_script_does_not_hang(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(db_exec(fixture->db, "CREATE TEMP TABLE c (a int); COPY c FROM STDIN", &fixture->err),
                     -ERR_DATABASE);
    assert_string_equal(fixture->err.message, "COPY from stdin failed: COPY FROM STDIN is not supported (57014)");
    assert_int_equal(db_exec(fixture->db, "COPY (SELECT generate_series(1, 100000)) TO STDOUT", &fixture->err), 0);
    assert_works(fixture);
}

static void assert_copied(struct fixture *fixture, const char *data, size_t data_bytes, int64_t rows)
{
    DB_RESULT_AUTO result = NULL;
    const char *sql = "COPY c FROM STDIN";
    assert_int_equal(db_exec_statement(fixture->db, sql, data, data_bytes, NULL, &fixture->err), 0);
    assert_int_equal(db_exec_rows(fixture->db, &result, "SELECT count(*) FROM c", &fixture->err), 0);
    assert_int_equal(db_result_integer(result, 0, 0), rows);
}

static void test_copy_reads_the_data_that_is_given(void **state)
{
    struct fixture *fixture = *state;
    const size_t rows = (size_t) 512 * 1024;
    char *data = malloc(4 * rows);
    assert_non_null(data);
    for (size_t i = 0; i < rows; i++) {
        memcpy(data + 4 * i, "123\n", 4);
    }
    assert_int_equal(db_exec(fixture->db, "CREATE TEMP TABLE c (a int)", &fixture->err), 0);
    assert_copied(fixture, "1\n2", 3, 2);
    assert_copied(fixture, "", 0, 2);
    assert_copied(fixture, data, 4 * rows, 2 + (int64_t) rows);
    free(data);
}

static void test_copy_that_is_refused_names_its_line(void **state)
{
    struct fixture *fixture = *state;
    struct db_diagnosis told = {.position = 99};
    assert_int_equal(db_exec(fixture->db, "CREATE TEMP TABLE c (a int)", &fixture->err), 0);
    assert_int_equal(db_exec_statement(fixture->db, "COPY c FROM STDIN", "1\nx\n", 4, &told, &fixture->err),
                     -ERR_DATABASE);
    assert_string_equal(told.message, "invalid input syntax for type integer: \"x\"");
    assert_string_equal(told.context, "COPY c, line 2, column a: \"x\"");
    assert_works(fixture);
}

static void test_more_than_the_socket_holds_goes_both_ways(void **state)
{
    struct fixture *fixture = *state;
    const size_t length = (size_t) 8 * 1024 * 1024;
    char *text = malloc(length + 1);
    assert_non_null(text);
    memset(text, 'x', length);
    text[length] = '\0';
    const struct db_value values[] = {db_text(text)};
    DB_RESULT_AUTO result = NULL;
    assert_int_equal(db_query(fixture->db, &result, "SELECT $1::text", values, 1, &fixture->err), 0);
    assert_string_equal(db_result_text(result, 0, 0), text);
    free(text);
}

static void test_lost_connection_is_transient(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(db_exec(fixture->db, "SELECT pg_terminate_backend(pg_backend_pid())", &fixture->err),
                     -ERR_DATABASE);
    assert_string_equal(fixture->err.message, "terminating connection due to administrator command (57P01)");
    assert_true(fixture->err.transient);
    assert_int_equal(db_exec(fixture->db, "SELECT 1", &fixture->err), -ERR_DATABASE);
    assert_true(fixture->err.transient);
    assert_non_null(strstr(fixture->err.message, " was lost: "));
}

static void test_more_parameters_than_possible_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct db_value values[65] = {{.data = NULL}};
    assert_int_equal(db_query(fixture->db, NULL, "SELECT 1", values, 65, &fixture->err), -ERR_INTERNAL);
    assert_works(fixture);
}

/* A stop that is asked for by another process while the statement is known to run. */
static pid_t stop_when_running(struct fixture *fixture, int stop_fd)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct db *watcher = NULL;
        struct db_result *result = NULL;
        const char *sql = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'";
        bool seen = open_fixture_connection(fixture, &watcher, NULL) == 0;
        while (seen && (db_query(watcher, &result, sql, NULL, 0, NULL) != 0 || db_result_integer(result, 0, 0) == 0)) {
            db_auto_result(&result);
            (void) stop_sleep(STOP_NONE, 10, NULL);
        }
        _exit(seen && eventfd_write(stop_fd, 1) == 0 ? 0 : 1);
    }
    return pid;
}

static void test_stop_cancels_the_statement(void **state)
{
    struct fixture *fixture = *state;
    FILE_FD_AUTO stop_fd = eventfd(0, EFD_CLOEXEC);
    db_interruptible(fixture->db, stop_fd);
    pid_t pid = stop_when_running(fixture, stop_fd);
    assert_int_equal(db_exec(fixture->db, "SELECT pg_sleep(60)", &fixture->err), -ERR_INTERRUPTED);
    assert_string_equal(fixture->err.message, "stopped by request");
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(db_exec(fixture->db, "SELECT 1", &fixture->err), -ERR_INTERRUPTED);
    db_interruptible(fixture->db, STOP_NONE);
    assert_works(fixture);
}

static void test_silent_server_is_given_up(void **state)
{
    (void) state;
    FILE_FD_AUTO listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    assert_int_equal(bind(listener, (struct sockaddr *) &address, length), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *) &address, &length), 0);
    char url[64];
    char expected[128];
    int port = ntohs(address.sin_port);
    (void) snprintf(url, sizeof(url), "postgresql://u:s3cret@127.0.0.1:%d/d", port);
    (void) snprintf(expected, sizeof(expected), "cannot connect to u@127.0.0.1:%d/d: no answer within 50 ms", port);
    struct db_target *target = NULL;
    assert_int_equal(db_target_new(&target, url, NULL, NULL, NULL), 0);
    struct db *db = NULL;
    struct err err = {.code = ERR_NONE};
    const struct db_options options = {.application_name = "unit", .connect_timeout_ms = 50};
    assert_int_equal(db_open(&db, target, &options, &err), -ERR_DATABASE);
    assert_null(db);
    assert_string_equal(err.message, expected);
    assert_true(err.transient);
    FILE_FD_AUTO stop_fd = eventfd(1, EFD_CLOEXEC);
    assert_int_equal(db_open_stoppable(&db, target, &options, stop_fd, &err), -ERR_INTERRUPTED);
    db_target_free(target);
}

int main(void)
{
#define WITH_CONNECTION(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_CONNECTION(test_values_and_types_come_back),
        WITH_CONNECTION(test_session_has_its_settings),
        WITH_CONNECTION(test_prepared_statement_and_affected_rows),
        WITH_CONNECTION(test_statement_error_has_its_position_in_characters),
        WITH_CONNECTION(test_error_has_detail_and_hint),
        WITH_CONNECTION(test_long_diagnosis_is_cut),
        WITH_CONNECTION(test_diagnosis_is_filled_by_errors_only),
        WITH_CONNECTION(test_rows_of_the_last_statement_are_kept),
        WITH_CONNECTION(test_failed_script_is_rolled_back_whole),
        WITH_CONNECTION(test_transaction_state_is_known),
        WITH_CONNECTION(test_copy_in_a_script_does_not_hang),
        WITH_CONNECTION(test_copy_reads_the_data_that_is_given),
        WITH_CONNECTION(test_copy_that_is_refused_names_its_line),
        WITH_CONNECTION(test_more_than_the_socket_holds_goes_both_ways),
        WITH_CONNECTION(test_lost_connection_is_transient),
        WITH_CONNECTION(test_more_parameters_than_possible_are_refused),
        WITH_CONNECTION(test_stop_cancels_the_statement),
        cmocka_unit_test(test_silent_server_is_given_up),
    };
    return cmocka_run_group_tests(tests, set_up_server, tear_down_server);
}
