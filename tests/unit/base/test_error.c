/* Goal: an error keeps its parts through every change, and a text that does not fit shows that it was cut.
 * Not here: who fills errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/base/error.h"

static void test_set_fills_and_forgets(void **state)
{
    (void) state;
    struct err err = {.code = ERR_ETL, .transient = true, .sqlstate = "08006", .hint = "old"};
    assert_int_equal(err_set(&err, ERR_DATABASE, "cannot reach %s", "db"), -ERR_DATABASE);
    assert_int_equal(err.code, ERR_DATABASE);
    assert_string_equal(err.message, "cannot reach db");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.sqlstate, "");
    assert_false(err.transient);
}

static void test_null_is_allowed_everywhere(void **state)
{
    (void) state;
    assert_int_equal(err_set(NULL, ERR_ETL, "x"), -ERR_ETL);
    assert_int_equal(err_set_errno(NULL, ERR_LISTEN, EACCES, "x"), -ERR_LISTEN);
    err_hint(NULL, "x");
    assert_int_equal(err_prefix(NULL, "x"), -ERR_INTERNAL);
    assert_int_equal(err_recode(NULL, ERR_CONFIG), -ERR_CONFIG);
}

static void test_errno_text_stands_behind_the_message(void **state)
{
    (void) state;
    struct err err;
    assert_int_equal(err_set_errno(&err, ERR_CONFIG, ENOENT, "cannot open %s", "x.csv"), -ERR_CONFIG);
    assert_string_equal(err.message, "cannot open x.csv: No such file or directory");
}

static void test_prefix_and_recode_keep_the_rest(void **state)
{
    (void) state;
    struct err err;
    (void) err_set(&err, ERR_DATABASE, "refused");
    err_hint(&err, "look at %s", "pg_hba.conf");
    err.transient = true;
    memcpy(err.sqlstate, "28P01", 6);
    assert_int_equal(err_prefix(&err, "table %s", "cities"), -ERR_DATABASE);
    assert_int_equal(err_recode(&err, ERR_MIGRATION), -ERR_MIGRATION);
    assert_int_equal(err.code, ERR_MIGRATION);
    assert_string_equal(err.message, "table cities: refused");
    assert_string_equal(err.hint, "look at pg_hba.conf");
    assert_string_equal(err.sqlstate, "28P01");
    assert_true(err.transient);
}

/* The message is an argument of its own replacement. */
static void test_message_may_be_an_argument(void **state)
{
    (void) state;
    struct err err;
    (void) err_set(&err, ERR_ETL, "inner");
    (void) err_set(&err, ERR_ETL, "outer: %s", err.message);
    assert_string_equal(err.message, "outer: inner");
    (void) err_set_errno(&err, ERR_ETL, EACCES, "again: %s", err.message);
    assert_string_equal(err.message, "again: outer: inner: Permission denied");
}

static void assert_cut(const char *text, size_t size)
{
    assert_int_equal(strlen(text), size - 1);
    assert_string_equal(text + size - 5, "x...");
}

static void test_long_texts_are_cut_with_an_ellipsis(void **state)
{
    (void) state;
    char text[4000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct err err;
    (void) err_set(&err, ERR_ETL, "%s", text);
    assert_cut(err.message, sizeof(err.message));
    (void) err_set_errno(&err, ERR_ETL, EACCES, "%s", text);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_string_equal(err.message + sizeof(err.message) - 4, "...");
    err_hint(&err, "%s", text);
    assert_cut(err.hint, sizeof(err.hint));
    (void) err_set(&err, ERR_ETL, "%s", text);
    (void) err_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_string_equal(err.message + sizeof(err.message) - 4, "...");
    /* One byte less than the room is not cut. */
    text[sizeof(err.message) - 1] = '\0';
    (void) err_set(&err, ERR_ETL, "%s", text);
    assert_string_equal(err.message, text);
}

/* Half a character at the cut would make the whole line invalid UTF-8. */
static void test_a_cut_does_not_split_a_character(void **state)
{
    (void) state;
    for (size_t shift = 0; shift < 3; shift++) {
        char text[4000];
        size_t length = shift;
        memset(text, 'x', shift);
        while (length + 3 < sizeof(text)) {
            memcpy(text + length, "\xE2\x82\xAC", 3);
            length += 3;
        }
        text[length] = '\0';
        struct err err;
        (void) err_set(&err, ERR_ETL, "%s", text);
        size_t kept = strlen(err.message) - 3;
        assert_string_equal(err.message + kept, "...");
        assert_int_equal((kept - shift) % 3, 0);
        assert_true(kept + 3 + 3 >= sizeof(err.message) - 1);
    }
}

static void test_every_code_has_a_name(void **state)
{
    (void) state;
    assert_string_equal(err_code_name(ERR_NONE), "none");
    assert_string_equal(err_code_name(ERR_DATABASE), "database");
    assert_string_equal(err_code_name(ERR_INTERRUPTED), "interrupted");
    assert_string_equal(err_code_name(ERR_CODE_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_fills_and_forgets),
        cmocka_unit_test(test_null_is_allowed_everywhere),
        cmocka_unit_test(test_errno_text_stands_behind_the_message),
        cmocka_unit_test(test_prefix_and_recode_keep_the_rest),
        cmocka_unit_test(test_message_may_be_an_argument),
        cmocka_unit_test(test_long_texts_are_cut_with_an_ellipsis),
        cmocka_unit_test(test_a_cut_does_not_split_a_character),
        cmocka_unit_test(test_every_code_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
