/* Percent-decoding and query pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "http/decode.h"

/* Goal: escapes are decoded, malformed ones are refused and leave the text alone. */
static void test_percent_decoding(void **state)
{
    static const struct {
        const char *text;
        bool plus_is_space;
        int64_t length; /* -1: malformed */
        const char *wanted;
    } cases[] = {
        {"", false, 0, ""},
        {"abc", false, 3, "abc"},
        {"%41%62%2f", false, 3, "Ab/"},
        {"a+b", false, 3, "a+b"},
        {"a+b%2B", true, 4, "a b+"},
        {"%C3%a9", false, 2, "\xC3\xA9"},
        {"a%00b", false, 3, "a\0b"},
        {"%", false, -1, "%"},
        {"%4", false, -1, "%4"},
        {"%41%zz", false, -1, "%41%zz"},
        {"%g0", false, -1, "%g0"},
        {"%0G", false, -1, "%0G"},
        {"%%41", false, -1, "%%41"},
        {"%25%34%31", false, 3, "%41"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[32];
        size_t length = strlen(cases[i].text);
        memcpy(text, cases[i].text, length + 1);
        int64_t got = http_percent_decode(text, length, cases[i].plus_is_space);
        assert_int_equal(got, cases[i].length);
        assert_memory_equal(text, cases[i].wanted, got < 0 ? length : (size_t) got);
    }
}

/* Goal: only whole, shortest-form UTF-8 counts. */
static void test_utf8_is_told_from_other_bytes(void **state)
{
    (void) state;
    assert_true(decode_is_utf8("", 0));
    assert_true(decode_is_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10));
    assert_true(decode_is_utf8("a\0b", 3));
    assert_false(decode_is_utf8("\xE9", 1));
    assert_false(decode_is_utf8("\xC3", 1));
    assert_false(decode_is_utf8("\xC0\xAF", 2));
    assert_false(decode_is_utf8("\xED\xA0\x80", 3));
    assert_false(decode_is_utf8("\xF4\x90\x80\x80", 4));
}

/* Goal: pairs come in order, empty ones are skipped, and the room that the contract names is enough. */
static void test_query_pairs(void **state)
{
    static const char query[] = "&a=1&&b&c=&=d&e=f=g&h+i=%zz&j=%41+&";
    static const char *const wanted[][2] = {{"a", "1"},   {"b", ""},      {"c", ""},  {"", "d"},
                                            {"e", "f=g"}, {"h i", "%zz"}, {"j", "A "}};
    char room[2 * sizeof(query)];
    char *out = room;
    const char *rest = query;
    size_t rest_length = sizeof(query) - 1;
    struct decode_pair pair;
    size_t count = 0;
    (void) state;
    while (decode_query_next(&pair, &rest, &rest_length, &out)) {
        assert_true(count < sizeof(wanted) / sizeof(wanted[0]));
        assert_string_equal(pair.name, wanted[count][0]);
        assert_string_equal(pair.value, wanted[count][1]);
        assert_int_equal(pair.name_length, strlen(wanted[count][0]));
        assert_int_equal(pair.value_length, strlen(wanted[count][1]));
        count++;
    }
    assert_int_equal(count, sizeof(wanted) / sizeof(wanted[0]));
    assert_true(out <= room + sizeof(room));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percent_decoding),
        cmocka_unit_test(test_utf8_is_told_from_other_bytes),
        cmocka_unit_test(test_query_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
