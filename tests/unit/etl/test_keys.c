/* The table of keys.
 * Not here: which record wins (test_etl.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "etl/keys.h"

static uint64_t *record_of(struct keys *keys, const char *name, const char *postal_code)
{
    uint64_t *record = NULL;
    assert_int_equal(keys_record(keys, &record, name, strlen(name), postal_code, NULL), 0);
    return record;
}

/* Goal: a key is its name and its postal code, both, and nothing else. */
static void test_identity(void **state)
{
    (void) state;
    struct keys keys = {.text = BUFFER_EMPTY};
    *record_of(&keys, "PARIS", "75001") = 1;
    assert_int_equal(*record_of(&keys, "PARIS", "75002"), 0);
    assert_int_equal(*record_of(&keys, "PARI", "75001"), 0);
    assert_int_equal(*record_of(&keys, "PARISS", "75001"), 0);
    assert_int_equal(*record_of(&keys, "paris", "75001"), 0);
    assert_int_equal(*record_of(&keys, "PARIS", "75001"), 1);
    *record_of(&keys, "PARIS", "75001") = 7;
    assert_int_equal(*record_of(&keys, "PARIS", "75001"), 7);
    assert_int_equal(keys.count, 5);
    keys_done(&keys);
    keys_done(&keys);
}

/* Goal: nothing is lost or mixed up while the table grows many times. */
static void test_growth(void **state)
{
    (void) state;
    enum { KEY_COUNT = 50000 };
    struct keys keys = {.text = BUFFER_EMPTY};
    char name[32];
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < KEY_COUNT; i++) {
            (void) snprintf(name, sizeof(name), "NAME-%u", i / 2);
            uint64_t *record = record_of(&keys, name, i % 2 == 0 ? "00001" : "00002");
            assert_int_equal(*record, pass == 0 ? 0 : i + 1);
            *record = i + 1;
        }
    }
    assert_int_equal(keys.count, KEY_COUNT);
    keys_done(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
