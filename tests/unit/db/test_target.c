/* Goal: every form of DATABASE_URL is read as meant, and neither the text that is shown nor a complaint repeats a
 * secret. Not here: connecting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "db/internal.h"

static const char *value_of(const struct db_target *target, const char *keyword)
{
    for (size_t i = 0; i < target->count; i++) {
        if (strcmp(target->keywords[i], keyword) == 0) {
            return target->values[i];
        }
    }
    return NULL;
}

static struct db_target *target_of(const char *url, const char *user, const char *password)
{
    struct db_target *target = NULL;
    struct err err = {.code = ERR_NONE};
    assert_int_equal(db_target_new(&target, url, user, password, &err), 0);
    return target;
}

static void assert_text(const char *url, const char *text)
{
    struct db_target *target = target_of(url, NULL, NULL);
    assert_string_equal(db_target_text(target), text);
    db_target_free(target);
}

static void assert_refused(const char *url, const char *message)
{
    struct db_target *target = NULL;
    struct err err = {.code = ERR_NONE};
    assert_int_equal(db_target_new(&target, url, NULL, NULL, &err), -ERR_CONFIG);
    assert_null(target);
    assert_string_equal(err.message, message);
    assert_null(strstr(err.hint, "s3cret"));
}

static void test_schemes_of_sqlalchemy_are_plain_postgresql(void **state)
{
    (void) state;
    static const char *const urls[] = {
        "postgresql://u:s3cret@h:6000/d",          "postgres://u:s3cret@h:6000/d",
        "postgresql+psycopg2://u:s3cret@h:6000/d", "postgresql+asyncpg://u:s3cret@h:6000/d",
        "postgres+psycopg://u:s3cret@h:6000/d",
    };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct db_target *target = target_of(urls[i], NULL, NULL);
        assert_string_equal(db_target_text(target), "u@h:6000/d");
        assert_string_equal(value_of(target, "password"), "s3cret");
        db_target_free(target);
    }
}

static void test_user_and_password_override_the_url(void **state)
{
    (void) state;
    struct db_target *target = target_of("postgresql://u:old@h/d", "other", "new p@ss");
    assert_string_equal(db_target_text(target), "other@h:5432/d");
    assert_string_equal(value_of(target, "password"), "new p@ss");
    db_target_free(target);
    target = target_of("postgresql://h/d", "me", "s3cret");
    assert_string_equal(db_target_text(target), "me@h:5432/d");
    assert_string_equal(value_of(target, "password"), "s3cret");
    db_target_free(target);
}

static void test_empty_user_and_password_leave_the_url_alone(void **state)
{
    (void) state;
    struct db_target *target = target_of("postgresql://u:s3cret@h/d", "", "");
    assert_string_equal(value_of(target, "user"), "u");
    assert_string_equal(value_of(target, "password"), "s3cret");
    db_target_free(target);
}

static void test_text_names_every_host_and_never_the_password(void **state)
{
    (void) state;
    assert_text("postgresql://u:s3cret@a:1,b:2/d?target_session_attrs=read-write", "u@a:1,b:2/d");
    assert_text("postgresql://u:s3cret@a,b/d", "u@a:5432,b:5432/d");
    assert_text("postgresql://u@[::1]:7/d", "u@[::1]:7/d");
    assert_text("postgresql://u:s3cret@/d?host=/run/pg&port=7", "u@/run/pg:7/d");
    assert_text("postgresql://u:s3%2Fcret%40x@h/d?sslpassword=s3cret", "u@h:5432/d");
    assert_text("postgresql://u@h", "u@h:5432/u");
}

static void test_options_pass_through(void **state)
{
    (void) state;
    struct db_target *target = target_of("postgresql://u@h/d?sslmode=require&options=-c%20geqo%3Doff", NULL, NULL);
    assert_string_equal(value_of(target, "sslmode"), "require");
    assert_string_equal(value_of(target, "options"), "-c geqo=off");
    db_target_free(target);
}

static void test_other_forms_are_refused(void **state)
{
    (void) state;
    const char *message = "the database URL does not begin with postgresql://";
    assert_refused("host=h password=s3cret", message);
    assert_refused("mysql://u:s3cret@h/d", message);
    assert_refused("postgresqlx://u:s3cret@h/d", message);
    assert_refused("postgresql+Psycopg2://u:s3cret@h/d", message);
}

static void test_unescaped_password_is_not_taken_for_host_or_database(void **state)
{
    (void) state;
    assert_refused("postgresql://u:s3cret/x@h/d", "the database URL has an @ where none can be");
    assert_refused("postgresql://u:s3cret@x@h/d", "the database URL has an @ where none can be");
    assert_refused("postgresql://u:s3cret/x", "the port in the database URL is not a number from 1 to 65535");
    assert_refused("postgresql://h:65536/d", "the port in the database URL is not a number from 1 to 65535");
    assert_refused("postgresql://h:0/d", "the port in the database URL is not a number from 1 to 65535");
}

static void test_complaints_hide_values_and_name_options(void **state)
{
    (void) state;
    assert_refused("postgresql://u:s3cret%zz@h/d",
                   "the database URL cannot be read: invalid percent-encoded token: \"***\"");
    assert_refused("postgresql://u@h/d?s3cret=1",
                   "the database URL cannot be read: invalid URI query parameter: \"***\"");
    assert_refused(
        "postgresql://u@h/d?password=s3cret=x",
        "the database URL cannot be read: extra key/value separator \"=\" in URI query parameter: \"password\"");
}

static void test_url_has_a_longest_length(void **state)
{
    (void) state;
    static char url[DB_URL_BYTES_MAX + 2];
    int length = snprintf(url, sizeof(url), "postgresql://");
    memset(url + length, 'a', sizeof(url) - 1 - (size_t) length);
    assert_refused(url, "the database URL is longer than 8192 bytes");
}

static void test_names_that_have_to_be_resolved(void **state)
{
    (void) state;
    static const struct {
        const char *url;
        size_t index;
        const char *name;
    } cases[] = {
        {"postgresql://h/d", 0, "h"},
        {"postgresql://a:1,b:2/d", 1, "b"},
        {"postgresql:///d", 0, ""},
        {"postgresql:///d?host=/run/pg", 0, ""},
        {"postgresql:///d?host=@abstract", 0, ""},
        {"postgresql:///d?host=a,/run/pg,c", 2, "c"},
        {"postgresql://h/d?hostaddr=127.0.0.1", 0, ""},
        {"postgresql://a,b/d?hostaddr=127.0.0.1,", 1, "b"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct db_target *target = NULL;
        assert_int_equal(db_target_new(&target, cases[i].url, NULL, NULL, NULL), 0);
        char *name = db_target_lookup_name(target, cases[i].index);
        assert_string_equal(name, cases[i].name);
        free(name);
        db_target_free(target);
    }
}

static void test_more_hosts_than_possible_are_refused(void **state)
{
    (void) state;
    BUFFER_AUTO url = BUFFER_EMPTY;
    buffer_append_text(&url, "postgresql://h");
    for (size_t i = 1; i < DB_HOSTS_MAX; i++) {
        buffer_append_text(&url, ",h");
    }
    struct db_target *target = NULL;
    struct err err;
    assert_int_equal(db_target_new(&target, buffer_text(&url), NULL, NULL, &err), 0);
    db_target_free(target);
    buffer_append_text(&url, ",h");
    assert_int_equal(db_target_new(&target, buffer_text(&url), NULL, NULL, &err), -ERR_CONFIG);
    assert_string_equal(err.message, "the database URL names more than 64 hosts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schemes_of_sqlalchemy_are_plain_postgresql),
        cmocka_unit_test(test_user_and_password_override_the_url),
        cmocka_unit_test(test_empty_user_and_password_leave_the_url_alone),
        cmocka_unit_test(test_text_names_every_host_and_never_the_password),
        cmocka_unit_test(test_options_pass_through),
        cmocka_unit_test(test_other_forms_are_refused),
        cmocka_unit_test(test_unescaped_password_is_not_taken_for_host_or_database),
        cmocka_unit_test(test_complaints_hide_values_and_name_options),
        cmocka_unit_test(test_url_has_a_longest_length),
        cmocka_unit_test(test_names_that_have_to_be_resolved),
        cmocka_unit_test(test_more_hosts_than_possible_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
