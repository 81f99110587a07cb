/* Goal: the members of an object are found where they stand, and only of what is JSON.
 * Not here: trees (test_read.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "digitalism/json.h"

static int write_down(void *context, struct json_span name, struct json_span value)
{
    struct buffer *out = context;
    buffer_append(out, name.text, name.length);
    buffer_append_char(out, '=');
    buffer_append(out, value.text, value.length);
    buffer_append_char(out, ';');
    return out->length > 200 ? -(int) ERR_INTERNAL : 0;
}

static void test_members(void **state)
{
    static const char *const cases[][2] = {
        {" { } ", ""},
        {"{\"a\":1}", "\"a\"=1;"},
        {"{ \"a\" : [ {} , [] ] , \"b\\\"}\" : { \"c\" : \"}\" } }\n",
         "\"a\"=[ {} , [] ];\"b\\\"}\"={ \"c\" : \"}\" };"},
        {"{\"\":-0.5e+10,\"\":null,\"x\":true,\"y\":false}", "\"\"=-0.5e+10;\"\"=null;\"x\"=true;\"y\"=false;"},
        {"{\"p\":NaN,\"q\":[Infinity,-Infinity],\"r\":0}", "\"p\"=NaN;\"q\"=[Infinity,-Infinity];\"r\"=0;"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO found = BUFFER_EMPTY;
        struct err err;
        assert_int_equal(json_walk(cases[i][0], strlen(cases[i][0]), write_down, &found, &err), 0);
        assert_string_equal(buffer_text(&found), cases[i][1]);
    }
}

static void test_what_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":+1}",
        "{\"a\":\"\n\"}",
        "{\"a\":tru}",
        "{} {}",
        "{\"a\":1",
        "{\"a\":[1}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":--1}",
    };
    (void) state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        BUFFER_AUTO found = BUFFER_EMPTY;
        struct err err = {.code = ERR_NONE};
        if (json_walk(texts[i], strlen(texts[i]), write_down, &found, &err) != -(int) ERR_CONFIG) {
            fail_msg("%s is taken", texts[i]);
        }
        assert_memory_equal(err.message, "this is no JSON object from byte ", 33);
    }
}

static void test_nesting_and_the_walker_have_limits(void **state)
{
    BUFFER_AUTO text = BUFFER_EMPTY;
    BUFFER_AUTO found = BUFFER_EMPTY;
    struct err err;
    (void) state;
    buffer_append_text(&text, "{\"a\":");
    for (int i = 0; i < 1000; i++) {
        buffer_append_char(&text, '[');
    }
    assert_int_equal(json_walk(buffer_text(&text), text.length, write_down, &found, &err), -ERR_CONFIG);
    buffer_clear(&text);
    buffer_append_char(&text, '{');
    for (int i = 0; i < 100; i++) {
        buffer_append_text(&text, "\"aaaa\":1,");
    }
    buffer_append_text(&text, "\"b\":1}");
    assert_int_equal(json_walk(buffer_text(&text), text.length, write_down, &found, &err), -ERR_INTERNAL);
}

static void test_unquoting(void **state)
{
    static const char *const cases[][2] = {{"\"\"", ""}, {"\"é\"", "é"}, {"\"\\u00e9\\n\"", "é\n"}};
    static const char *const none[] = {"", "\"", "a", "\"a", "\"\\ud800\"", "\"\\\""};
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO out = BUFFER_EMPTY;
        assert_true(json_unquote(&out, (struct json_span){.text = cases[i][0], .length = strlen(cases[i][0])}));
        assert_string_equal(buffer_text(&out), cases[i][1]);
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        BUFFER_AUTO out = BUFFER_EMPTY;
        assert_false(json_unquote(&out, (struct json_span){.text = none[i], .length = strlen(none[i])}));
        assert_int_equal(out.length, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_nesting_and_the_walker_have_limits),
        cmocka_unit_test(test_unquoting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
