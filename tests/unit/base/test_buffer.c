/* Goal: the buffer grows, numbers and escapes are exact, and UTF-8 is judged as RFC 3629 does.
 * Not here: JSON structure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "digitalism/base/buffer.h"

static void test_empty_buffer_is_an_empty_text(void **state)
{
    (void) state;
    BUFFER_AUTO buffer = BUFFER_EMPTY;
    assert_string_equal(buffer_text(&buffer), "");
    buffer_append(&buffer, NULL, 0);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_clear(&buffer);
    buffer_consume(&buffer, 0);
    assert_int_equal(buffer.length, 0);
    assert_false(buffer_failed(&buffer));
}

/* Grows far over its first room, byte by byte, always with its NUL. */
static void test_grows_and_stays_terminated(void **state)
{
    (void) state;
    BUFFER_AUTO buffer = BUFFER_EMPTY;
    for (size_t i = 0; i < 10000; i++) {
        buffer_append_char(&buffer, (char) ('a' + i % 26));
        assert_int_equal(buffer.data[i + 1], '\0');
    }
    assert_int_equal(buffer.length, 10000);
    for (size_t i = 0; i < 10000; i++) {
        assert_int_equal(buffer.data[i], 'a' + i % 26);
    }
}

static void test_reserve_and_commit(void **state)
{
    (void) state;
    BUFFER_AUTO buffer = BUFFER_EMPTY;
    buffer_append_text(&buffer, "ab");
    char *room = buffer_reserve(&buffer, 1000);
    assert_non_null(room);
    memset(room, 'x', 1000);
    buffer_commit(&buffer, 3);
    assert_string_equal(buffer_text(&buffer), "abxxx");
}

/* What cannot be had is remembered, the content stays, and clearing forgets it. */
static void test_failure_is_remembered(void **state)
{
    (void) state;
    BUFFER_AUTO buffer = BUFFER_EMPTY;
    buffer_append_text(&buffer, "kept");
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    assert_true(buffer_failed(&buffer));
    assert_string_equal(buffer_text(&buffer), "kept");
    buffer_clear(&buffer);
    assert_false(buffer_failed(&buffer));
    assert_null(buffer_reserve(&buffer, PTRDIFF_MAX));
    assert_true(buffer_failed(&buffer));
}

static void test_integers(void **state)
{
    (void) state;
    static const struct {
        int64_t number;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-1, "-1"},
                 {36218, "36218"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO buffer = BUFFER_EMPTY;
        buffer_append_integer(&buffer, cases[i].number);
        assert_string_equal(buffer_text(&buffer), cases[i].text);
    }
}

static void test_format(void **state)
{
    (void) state;
    BUFFER_AUTO buffer = BUFFER_EMPTY;
    buffer_append_format(&buffer, "%s-%d", "a", 5);
    buffer_append_format(&buffer, "%*s|", 200, "x");
    assert_int_equal(buffer.length, 3 + 201);
    assert_int_equal(strncmp(buffer_text(&buffer), "a-5  ", 5), 0);
    assert_string_equal(buffer_text(&buffer) + 202, "x|");
}

static void test_consume_moves_the_rest(void **state)
{
    (void) state;
    BUFFER_AUTO buffer = BUFFER_EMPTY;
    buffer_append_text(&buffer, "abcdef");
    buffer_consume(&buffer, 2);
    assert_string_equal(buffer_text(&buffer), "cdef");
    buffer_consume(&buffer, 4);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_append_text(&buffer, "g");
    assert_string_equal(buffer_text(&buffer), "g");
}

static void test_json_strings(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        size_t length;
        const char *json;
    } cases[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\"b\\c/", 6, "\"a\\\"b\\\\c/\""},
        {"\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\""},
        {"a\0b\x01\x1F\x7F", 6, "\"a\\u0000b\\u0001\\u001f\\u007f\""},
        {"HA\xC5\xB8-LES-ROSES \xE2\x82\xAC \xF0\x9F\x87\xAB", 23,
         "\"HA\xC5\xB8-LES-ROSES \xE2\x82\xAC \xF0\x9F\x87\xAB\""},
        {"a\xFF"
         "b\xC3",
         4,
         "\"a\xEF\xBF\xBD"
         "b\xEF\xBF\xBD\""},
        {"\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xE2\x82", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\n\n", 2, "\"\\n\\n\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO buffer = BUFFER_EMPTY;
        buffer_append_json_string(&buffer, cases[i].text, cases[i].length);
        assert_string_equal(buffer_text(&buffer), cases[i].json);
    }
}

static size_t utf8_of(const char *text)
{
    return utf8_length(text, strlen(text));
}

static void test_utf8_boundaries(void **state)
{
    (void) state;
    assert_int_equal(utf8_length("", 0), 0);
    assert_int_equal(utf8_length("\0", 1), 1);
    assert_int_equal(utf8_of("\x7F"), 1);
    assert_int_equal(utf8_of("\xC2\x80"), 2);         /* U+0080 */
    assert_int_equal(utf8_of("\xDF\xBF"), 2);         /* U+07FF */
    assert_int_equal(utf8_of("\xE0\xA0\x80"), 3);     /* U+0800 */
    assert_int_equal(utf8_of("\xED\x9F\xBF"), 3);     /* U+D7FF */
    assert_int_equal(utf8_of("\xEE\x80\x80"), 3);     /* U+E000 */
    assert_int_equal(utf8_of("\xEF\xBF\xBF"), 3);     /* U+FFFF */
    assert_int_equal(utf8_of("\xF0\x90\x80\x80"), 4); /* U+10000 */
    assert_int_equal(utf8_of("\xF4\x8F\xBF\xBF"), 4); /* U+10FFFF */
}

static void test_utf8_refused(void **state)
{
    (void) state;
    assert_int_equal(utf8_of("\x80"), 0);             /* a continuation alone */
    assert_int_equal(utf8_of("\xC0\x80"), 0);         /* overlong NUL */
    assert_int_equal(utf8_of("\xC1\xBF"), 0);         /* overlong */
    assert_int_equal(utf8_of("\xE0\x9F\xBF"), 0);     /* overlong */
    assert_int_equal(utf8_of("\xF0\x8F\xBF\xBF"), 0); /* overlong */
    assert_int_equal(utf8_of("\xED\xA0\x80"), 0);     /* surrogate */
    assert_int_equal(utf8_of("\xED\xBF\xBF"), 0);     /* surrogate */
    assert_int_equal(utf8_of("\xF4\x90\x80\x80"), 0); /* beyond U+10FFFF */
    assert_int_equal(utf8_of("\xF5\x80\x80\x80"), 0);
    assert_int_equal(utf8_of("\xFF"), 0);
    assert_int_equal(utf8_of("\xC3"), 0);         /* cut */
    assert_int_equal(utf8_of("\xE2\x82"), 0);     /* cut */
    assert_int_equal(utf8_of("\xF0\x9F\x87"), 0); /* cut */
    assert_int_equal(utf8_of("\xC3(("), 0);       /* no continuation */
    assert_int_equal(utf8_length("\xC3\xA9", 1), 0);
}

static void test_utf8_cut_keeps_characters_whole(void **state)
{
    (void) state;
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x87\xABz";
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t length = 0; length < sizeof(expected) / sizeof(expected[0]); length++) {
        assert_int_equal(utf8_cut(text, length), expected[length]);
    }
    /* What is no UTF-8 anyway is cut where it must be. */
    assert_int_equal(utf8_cut("\x80\x80\x80\x80\x80", 5), 5);
    assert_int_equal(utf8_cut("\xFF\xFF", 2), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_buffer_is_an_empty_text),
        cmocka_unit_test(test_grows_and_stays_terminated),
        cmocka_unit_test(test_reserve_and_commit),
        cmocka_unit_test(test_failure_is_remembered),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_consume_moves_the_rest),
        cmocka_unit_test(test_json_strings),
        cmocka_unit_test(test_utf8_boundaries),
        cmocka_unit_test(test_utf8_refused),
        cmocka_unit_test(test_utf8_cut_keeps_characters_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
