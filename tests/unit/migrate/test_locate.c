/* Goal: lines and columns are those that an editor shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/locate.h"

/* Of the 1-based character `position` of the text, as PostgreSQL counts. */
static void assert_place(const char *text, size_t position, size_t line, size_t column, const char *source)
{
    struct migrate_place place;
    size_t length = strlen(text);
    migrate_locate(&place, text, length, migrate_offset(text, length, 0, position));
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
    migrate_locate(&place, text, strlen(text), 2);
    assert_int_equal(strlen(place.source), 121);
    assert_string_equal(place.source + 119, "é");
    assert_int_equal(place.column, 3);
    assert_int_equal(place.caret, 2);
}

static void test_what_is_far_behind_in_its_line_is_shown(void **state)
{
    (void) state;
    char text[1000];
    memset(text, 'x', sizeof(text));
    memcpy(text + 600, "HERE", 4);
    struct migrate_place place;
    migrate_locate(&place, text, sizeof(text), 600);
    assert_int_equal(place.column, 601);
    assert_memory_equal(place.source + place.caret, "HERE", 4);
}

/* Goal: the caret is below the text, however many bytes a character has. */
static void test_long_source_of_long_characters_reaches_to_the_column(void **state)
{
    (void) state;
    char text[4 * 300];
    for (size_t i = 0; i < sizeof(text); i += 4) {
        memcpy(text + i, "𝄞", 4);
    }
    struct migrate_place place;
    migrate_locate(&place, text, sizeof(text), 800);
    assert_int_equal(place.column, 201);
    assert_int_equal(place.caret, 60);
    assert_int_equal(strlen(place.source), 4 * 120);
}

static void assert_shown(const char *text, size_t offset, const char *source, size_t caret)
{
    struct migrate_place place;
    migrate_locate(&place, text, strlen(text), offset);
    assert_string_equal(place.source, source);
    assert_int_equal(place.caret, caret);
}

static void test_blanks_around_the_line_are_left_out(void **state)
{
    (void) state;
    assert_shown("  \t  ab c \t \r\n", 8, "ab c", 3);
    assert_shown("a\n    ab\n", 3, "   ab", 0);
    assert_shown("a\tb", 2, "a b", 2);
    assert_shown("   \n", 1, "", 0);
}

static void test_offsets_of_characters(void **state)
{
    (void) state;
    const char *text = "--\né€;x";
    assert_int_equal(migrate_offset(text, strlen(text), 3, 1), 3);
    assert_int_equal(migrate_offset(text, strlen(text), 3, 2), 5);
    assert_int_equal(migrate_offset(text, strlen(text), 3, 3), 8);
    assert_int_equal(migrate_offset(text, strlen(text), 3, 4), 9);
    assert_int_equal(migrate_offset(text, strlen(text), 3, 400), strlen(text));
    assert_int_equal(migrate_offset(text, strlen(text), 3, 0), 3);
}

static void test_lines_behind_an_offset(void **state)
{
    (void) state;
    const char *text = "ab\ncd\r\nef";
    assert_int_equal(migrate_line_behind(text, strlen(text), 1, 0), 1);
    assert_int_equal(migrate_line_behind(text, strlen(text), 1, 1), 3);
    assert_int_equal(migrate_line_behind(text, strlen(text), 1, 2), 7);
    assert_int_equal(migrate_line_behind(text, strlen(text), 1, 9), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_and_columns),
        cmocka_unit_test(test_columns_count_characters),
        cmocka_unit_test(test_carriage_returns_end_no_line),
        cmocka_unit_test(test_position_behind_the_end_is_the_end),
        cmocka_unit_test(test_long_source_is_cut_between_characters),
        cmocka_unit_test(test_long_source_of_long_characters_reaches_to_the_column),
        cmocka_unit_test(test_what_is_far_behind_in_its_line_is_shown),
        cmocka_unit_test(test_blanks_around_the_line_are_left_out),
        cmocka_unit_test(test_offsets_of_characters),
        cmocka_unit_test(test_lines_behind_an_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
