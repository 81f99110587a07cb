/* Goal: lines and columns are those that an editor shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/internal.h"

static void assert_place(const char *text, size_t position, size_t line, size_t column, const char *source)
{
    struct migrate_place place;
    migrate_locate(&place, text, strlen(text), position);
    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
    assert_string_equal(place.source, source);
}

static void test_lines_and_columns(void **state)
{
    (void) state;
    assert_place("SELEC", 1, 1, 1, "SELEC");
    assert_place("a\nbcd\n", 4, 2, 2, "bcd");
    assert_place("a\nbcd\n", 2, 1, 2, "a");
    assert_place("a\n\n  b", 6, 3, 3, "b");
}

static void test_no_position_is_no_place(void **state)
{
    (void) state;
    assert_place("a", 0, 0, 0, "");
}

static void test_columns_count_characters(void **state)
{
    (void) state;
    assert_place("'é€𝄞' x", 7, 1, 7, "'é€𝄞' x");
    assert_place("\xE9 x", 3, 1, 3, "\xE9 x");
}

static void test_carriage_returns_end_no_line(void **state)
{
    (void) state;
    assert_place("a\r\nb\r\nc d\r\n", 9, 3, 3, "c d");
}

static void test_position_behind_the_end_is_the_end(void **state)
{
    (void) state;
    assert_place("ab\n", 100, 2, 1, "");
    assert_place("", 1, 1, 1, "");
}

static void test_long_source_is_cut_between_characters(void **state)
{
    (void) state;
    char text[400];
    memset(text, 'x', 119);
    (void) snprintf(text + 119, sizeof(text) - 119, "éyyyy");
    struct migrate_place place;
    migrate_locate(&place, text, strlen(text), 3);
    assert_int_equal(strlen(place.source), 119);
    assert_int_equal(place.column, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_and_columns),
        cmocka_unit_test(test_no_position_is_no_place),
        cmocka_unit_test(test_columns_count_characters),
        cmocka_unit_test(test_carriage_returns_end_no_line),
        cmocka_unit_test(test_position_behind_the_end_is_the_end),
        cmocka_unit_test(test_long_source_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
