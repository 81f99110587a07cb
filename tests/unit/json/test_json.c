/* Goal: commas and nesting are right for every kind of value at every place.
 * Not here: the escape of a string. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "digitalism/json.h"

static void test_empty_containers(void **state)
{
    (void) state;
    BUFFER_AUTO out = BUFFER_EMPTY;
    struct json_writer writer = json_writer_init(&out);
    json_open_array(&writer);
    json_open_object(&writer);
    json_close_object(&writer);
    json_open_array(&writer);
    json_close_array(&writer);
    json_close_array(&writer);
    assert_string_equal(buffer_text(&out), "[{},[]]");
}

static void test_values_of_every_kind_in_an_object(void **state)
{
    (void) state;
    BUFFER_AUTO out = BUFFER_EMPTY;
    struct json_writer writer = json_writer_init(&out);
    json_open_object(&writer);
    json_key(&writer, "text");
    json_text(&writer, "a\"b", 3);
    json_key(&writer, "string");
    json_string(&writer, "x");
    json_key(&writer, "nothing");
    json_string(&writer, NULL);
    json_key(&writer, "number");
    json_integer(&writer, -12);
    json_key(&writer, "yes");
    json_boolean(&writer, true);
    json_key(&writer, "no");
    json_boolean(&writer, false);
    json_key(&writer, "null");
    json_null(&writer);
    json_key(&writer, "raw");
    json_raw(&writer, "1.50", 4);
    json_close_object(&writer);
    assert_string_equal(buffer_text(&out),
                        "{\"text\":\"a\\\"b\",\"string\":\"x\",\"nothing\":null,\"number\":-12,\"yes\":true,"
                        "\"no\":false,\"null\":null,\"raw\":1.50}");
}

static void test_commas_between_containers_and_values(void **state)
{
    (void) state;
    BUFFER_AUTO out = BUFFER_EMPTY;
    struct json_writer writer = json_writer_init(&out);
    json_open_array(&writer);
    json_integer(&writer, 1);
    json_open_object(&writer);
    json_key(&writer, "a");
    json_open_array(&writer);
    json_string(&writer, "x");
    json_string(&writer, "y");
    json_close_array(&writer);
    json_key(&writer, "b");
    json_open_object(&writer);
    json_close_object(&writer);
    json_close_object(&writer);
    json_integer(&writer, 2);
    json_close_array(&writer);
    assert_string_equal(buffer_text(&out), "[1,{\"a\":[\"x\",\"y\"],\"b\":{}},2]");
}

/* What stands in the buffer before the writer began is none of its business. */
static void test_writes_behind_other_content(void **state)
{
    (void) state;
    BUFFER_AUTO out = BUFFER_EMPTY;
    buffer_append_text(&out, "data: ");
    struct json_writer writer = json_writer_init(&out);
    json_string(&writer, "x");
    assert_string_equal(buffer_text(&out), "data: \"x\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_containers),
        cmocka_unit_test(test_values_of_every_kind_in_an_object),
        cmocka_unit_test(test_commas_between_containers_and_values),
        cmocka_unit_test(test_writes_behind_other_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
