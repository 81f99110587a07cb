/* Goal: the lock excludes others, its holder is named to who waits in vain, and losing it is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/eventfd.h>

#include "../db/server.h"
#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "migrate/history.h"
#include "migrate/lock.h"

#define LIMIT_MS 20000

struct fixture {
    struct server server;
    struct db_target *target;
    struct db *one;
    struct db *other;
};

static struct db *open_one(const struct fixture *fixture)
{
    const struct db_options options = {.application_name = "unit", .connect_timeout_ms = LIMIT_MS};
    int64_t deadline_ms = clock_now_ms() + LIMIT_MS;
    struct db *db = NULL;
    while (db_open(&db, fixture->target, &options, NULL) != 0) {
        assert_true(clock_remaining_ms(deadline_ms) > 0);
        assert_int_equal(stop_sleep(STOP_NONE, 20, NULL), 0);
    }
    return db;
}

static int set_up_server(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    server_new(&fixture->server);
    char url[256];
    (void) snprintf(url, sizeof(url), "postgresql://tester@/postgres?host=%s", fixture->server.directory);
    assert_int_equal(db_target_new(&fixture->target, url, NULL, NULL, NULL), 0);
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
    fixture->one = open_one(fixture);
    fixture->other = open_one(fixture);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    db_auto_close(&fixture->one);
    db_auto_close(&fixture->other);
    return 0;
}

static void test_second_starter_gives_up_and_names_the_first(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {.code = ERR_NONE};
    assert_int_equal(migrate_lock(fixture->one, 0, STOP_NONE, &err), 0);
    DB_RESULT_AUTO result = NULL;
    assert_int_equal(db_query(fixture->one, &result, "SELECT pg_backend_pid()", NULL, 0, &err), 0);
    char expected[256];
    (void) snprintf(expected, sizeof(expected),
                    "another starter is migrating this database and did not finish within 50 ms: server process %s, at "
                    "\"SELECT pg_backend_pid()\"",
                    db_result_text(result, 0, 0));
    assert_int_equal(migrate_lock(fixture->other, 50, STOP_NONE, &err), -ERR_MIGRATION);
    assert_string_equal(err.message, expected);
    (void) snprintf(expected, sizeof(expected), "when it hangs, end it with SELECT pg_terminate_backend(%s)",
                    db_result_text(result, 0, 0));
    assert_string_equal(err.hint, expected);
}

static void test_lock_is_free_when_given_back_or_disconnected(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(migrate_lock(fixture->one, LIMIT_MS, STOP_NONE, NULL), 0);
    assert_int_equal(migrate_unlock(fixture->one, NULL), 0);
    assert_int_equal(migrate_lock(fixture->other, LIMIT_MS, STOP_NONE, NULL), 0);
    db_auto_close(&fixture->other);
    assert_int_equal(migrate_lock(fixture->one, LIMIT_MS, STOP_NONE, NULL), 0);
}

static void test_lost_lock_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {.code = ERR_NONE};
    assert_int_equal(migrate_lock(fixture->one, 0, STOP_NONE, &err), 0);
    assert_int_equal(db_exec(fixture->one, "SELECT pg_advisory_unlock_all()", &err), 0);
    assert_int_equal(migrate_unlock(fixture->one, &err), -ERR_MIGRATION);
    assert_string_equal(err.message, "the migration lock was not held any more when it was given back");
}

/* What a starter sees whom a pooler has given the session of another: PostgreSQL itself would grant the lock again. */
static void test_lock_of_a_shared_session_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {.code = ERR_NONE};
    assert_int_equal(migrate_lock(fixture->one, 0, STOP_NONE, &err), 0);
    assert_int_equal(migrate_lock(fixture->one, LIMIT_MS, STOP_NONE, &err), -ERR_MIGRATION);
    assert_non_null(strstr(err.message, "which a pooler gave to this starter, holds another starter's migration lock"));
    assert_non_null(strstr(err.hint, "set MIGRATION_DATABASE_URL to where PostgreSQL itself listens"));
    assert_non_null(strstr(err.hint, "free the lock with SELECT pg_terminate_backend("));
    assert_int_equal(migrate_unlock(fixture->one, &err), 0);
    assert_int_equal(migrate_lock(fixture->other, 0, STOP_NONE, &err), 0);
}

static void test_own_session_is_not_refused(void **state)
{
    const struct fixture *fixture = *state;
    assert_int_equal(migrate_refuse_pooler(fixture->one, fixture->target, STOP_NONE, NULL), 0);
}

static void test_stop_ends_the_waiting(void **state)
{
    struct fixture *fixture = *state;
    struct err err = {.code = ERR_NONE};
    assert_int_equal(migrate_lock(fixture->one, 0, STOP_NONE, &err), 0);
    FILE_FD_AUTO stop_fd = eventfd(1, EFD_CLOEXEC);
    assert_int_equal(migrate_lock(fixture->other, LIMIT_MS, stop_fd, &err), -ERR_INTERRUPTED);
}

static void assert_foreign(struct fixture *fixture, const char *message, const char *hint)
{
    struct err err = {.code = ERR_NONE};
    const struct migrate_store store = {.db = fixture->one, .stop_fd = STOP_NONE};
    assert_int_equal(migrate_store_refuse_foreign(&store, &err), message == NULL ? 0 : -ERR_MIGRATION);
    if (message != NULL) {
        assert_string_equal(err.message, message);
        assert_non_null(strstr(err.hint, hint));
    }
}

static void test_tables_of_others_are_noticed(void **state)
{
    struct fixture *fixture = *state;
    assert_foreign(fixture, NULL, NULL);
    assert_int_equal(
        db_exec(fixture->one, "BEGIN; CREATE TABLE digitalism_x (); CREATE SCHEMA s; CREATE TABLE s.x ()", NULL), 0);
    assert_foreign(fixture, NULL, NULL);
    assert_int_equal(db_exec(fixture->one, "CREATE TABLE b (); CREATE VIEW a AS SELECT 1", NULL), 0);
    assert_foreign(
        fixture, "the database has no migration history, but it has tables already: a and 1 more",
        "name an empty database in DATABASE_URL; or, when these tables are what some of the migrations make, "
        "say up to which one: digitalism migrate baseline VERSION");
}

int main(void)
{
#define WITH_CONNECTIONS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct log_settings settings = {.level = LOG_LEVEL_ERROR, .format = LOG_FORMAT_TEXT, .path = "stderr"};
    if (log_open(&settings, NULL) != 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        WITH_CONNECTIONS(test_second_starter_gives_up_and_names_the_first),
        WITH_CONNECTIONS(test_lock_is_free_when_given_back_or_disconnected),
        WITH_CONNECTIONS(test_lost_lock_is_an_error),
        WITH_CONNECTIONS(test_lock_of_a_shared_session_is_refused),
        WITH_CONNECTIONS(test_own_session_is_not_refused),
        WITH_CONNECTIONS(test_stop_ends_the_waiting),
        WITH_CONNECTIONS(test_tables_of_others_are_noticed),
    };
    return cmocka_run_group_tests(tests, set_up_server, tear_down_server);
}
