/* Goal: what is read is what is written there, and nothing that is no JSON is taken for some.
 * Not here: writing (test_json.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/json.h"

static struct json_value *parse(const char *text)
{
    struct json_value *value = NULL;
    struct err err;
    if (json_parse(&value, text, strlen(text), &err) < 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return value;
}

static void test_members_by_type(void **state)
{
    (void) state;
    struct json_value *value =
        parse(" {\"text\":\"d\\u00e9j\\u00e0 \\\"vu\\\"\",\"number\":-42,\"yes\":true,\"no\":false,\"nothing\":null,"
              "\"inner\":{\"number\":7}}\n");
    int64_t number = 0;
    assert_true(json_is_object(value));
    assert_string_equal(json_member_text(value, "text"), "déjà \"vu\"");
    assert_true(json_member_integer(value, "number", &number));
    assert_int_equal(number, -42);
    assert_true(json_member_true(value, "yes"));
    assert_false(json_member_true(value, "no"));
    assert_true(json_member_integer(json_member(value, "inner"), "number", &number));
    assert_int_equal(number, 7);
    json_free(value);
}

static void test_what_is_not_there_or_of_another_type(void **state)
{
    (void) state;
    struct json_value *value = parse("{\"Text\":\"x\",\"text\":1,\"number\":\"1\",\"nothing\":null,\"yes\":1}");
    int64_t number = 5;
    assert_null(json_member_text(value, "text"));
    assert_null(json_member_text(value, "nothing"));
    assert_null(json_member(value, "missing"));
    assert_null(json_member_text(json_member(value, "missing"), "text"));
    assert_false(json_member_integer(value, "number", &number));
    assert_false(json_member_integer(value, "nothing", &number));
    assert_int_equal(number, 5);
    assert_false(json_member_true(value, "yes"));
    assert_null(json_first(value));
    assert_null(json_first(json_member(value, "missing")));
    assert_null(json_next(NULL));
    assert_false(json_is_object(NULL));
    json_free(value);
}

static void test_items_in_their_order(void **state)
{
    (void) state;
    struct json_value *value = parse("{\"items\":[{\"n\":1},{\"n\":2},{\"n\":3}],\"none\":[]}");
    int64_t expected = 1;
    for (const struct json_value *item = json_first(json_member(value, "items")); item != NULL;
         item = json_next(item)) {
        int64_t number = 0;
        assert_true(json_member_integer(item, "n", &number));
        assert_int_equal(number, expected++);
    }
    assert_int_equal(expected, 4);
    assert_null(json_first(json_member(value, "none")));
    json_free(value);
}

/* Beyond 2^53 a double has gaps, so that a number could be another one than was written. */
static void test_whole_numbers_only(void **state)
{
    (void) state;
    struct json_value *value = parse("{\"fraction\":1.5,\"most\":9007199254740992,\"more\":9007199254740994,"
                                     "\"endless\":1e999,\"power\":1e3}");
    int64_t number = 0;
    assert_false(json_member_integer(value, "fraction", &number));
    assert_false(json_member_integer(value, "more", &number));
    assert_false(json_member_integer(value, "endless", &number));
    assert_true(json_member_integer(value, "most", &number));
    assert_int_equal(number, 9007199254740992);
    assert_true(json_member_integer(value, "power", &number));
    assert_int_equal(number, 1000);
    json_free(value);
}

static void test_what_is_no_json(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "this is no JSON from byte 1 on"},
        {"{\"a\":1", "this is no JSON from byte 6 on"},
        {"{\"a\":tru}", "this is no JSON from byte 6 on"},
        {"{} {}", "this is no JSON from byte 4 on"},
        {"{}\v", "this is no JSON from byte 3 on"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json_value *value = NULL;
        struct err err;
        assert_int_equal(json_parse(&value, cases[i].text, strlen(cases[i].text), &err), -ERR_CONFIG);
        assert_string_equal(err.message, cases[i].message);
        assert_null(value);
    }
}

static void test_a_nul_behind_the_value_is_a_fault(void **state)
{
    struct json_value *value = NULL;
    struct err err;
    (void) state;
    assert_int_equal(json_parse(&value, "{}\0", 3, &err), -ERR_CONFIG);
    assert_string_equal(err.message, "this is no JSON from byte 3 on");
}

/* A parser that calls itself for each bracket must stop before its stack does. */
static void test_nesting_has_a_limit(void **state)
{
    enum { DEPTH = 100000 };
    struct json_value *value = NULL;
    struct err err;
    (void) state;
    char *text = malloc(DEPTH);
    assert_non_null(text);
    memset(text, '[', DEPTH);
    assert_int_equal(json_parse(&value, text, DEPTH, &err), -ERR_CONFIG);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_by_type),      cmocka_unit_test(test_what_is_not_there_or_of_another_type),
        cmocka_unit_test(test_items_in_their_order), cmocka_unit_test(test_whole_numbers_only),
        cmocka_unit_test(test_what_is_no_json),      cmocka_unit_test(test_a_nul_behind_the_value_is_a_fault),
        cmocka_unit_test(test_nesting_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
