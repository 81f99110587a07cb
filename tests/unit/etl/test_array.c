/* Arrays in PostgreSQL's binary form, byte by byte.
 * Not here: PostgreSQL reading them (test_etl.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "etl/array.h"

static void assert_bytes(struct array *array, unsigned type, const void *wanted, size_t length)
{
    struct db_value value = array_value(array);
    assert_true(value.binary);
    assert_int_equal(value.type, type);
    assert_int_equal(value.length, length);
    assert_memory_equal(value.data, wanted, length);
}
#define WANTED(literal) literal, sizeof(literal) - 1

/* Goal: each type's elements, and NULL among them. */
static void test_types(void **state)
{
    (void) state;
    struct array array;
    array_init(&array, ARRAY_TEXT);
    array_append_text(&array, "AŸ", 3);
    array_append_text(&array, "", 0);
    array_append_null(&array);
    assert_bytes(&array, 1009,
                 WANTED("\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\3\0\0\0\1"
                        "\0\0\0\3A\xC5\xB8\0\0\0\0\xFF\xFF\xFF\xFF"));
    array_done(&array);
    array_init(&array, ARRAY_INT4);
    array_append_int4(&array, -2);
    assert_bytes(&array, 1007,
                 WANTED("\0\0\0\1\0\0\0\1\0\0\0\x17\0\0\0\1\0\0\0\1"
                        "\0\0\0\4\xFF\xFF\xFF\xFE"));
    array_done(&array);
    array_init(&array, ARRAY_INT8);
    array_append_int8(&array, 0x0102030405060708);
    assert_bytes(&array, 1016,
                 WANTED("\0\0\0\1\0\0\0\1\0\0\0\x14\0\0\0\1\0\0\0\1"
                        "\0\0\0\x08\1\2\3\4\5\6\7\x08"));
    array_done(&array);
    array_init(&array, ARRAY_FLOAT8);
    array_append_float8(&array, -1.5);
    assert_bytes(&array, 1022,
                 WANTED("\0\0\0\1\0\0\0\1\0\0\x02\xBD\0\0\0\1\0\0\0\1"
                        "\0\0\0\x08\xBF\xF8\0\0\0\0\0\0"));
    array_done(&array);
}

/* Goal: an empty array has no dimension, before anything was appended and after clearing. */
static void test_empty(void **state)
{
    (void) state;
    struct array array;
    array_init(&array, ARRAY_TEXT);
    assert_bytes(&array, 1009, WANTED("\0\0\0\0\0\0\0\1\0\0\0\x19"));
    array_append_text(&array, "x", 1);
    assert_int_equal(array.count, 1);
    array_clear(&array);
    assert_int_equal(array.count, 0);
    assert_bytes(&array, 1009, WANTED("\0\0\0\0\0\0\0\1\0\0\0\x19"));
    array_done(&array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
