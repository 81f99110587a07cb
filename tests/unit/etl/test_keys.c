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

static uint32_t *record_of(struct keys *keys, const char *name, const char *postal_code)
{
    uint32_t *record = NULL;
    assert_true(keys_record(keys, &record, name, strlen(name), postal_code));
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
            uint32_t *record = record_of(&keys, name, i % 2 == 0 ? "00001" : "00002");
            assert_int_equal(*record, pass == 0 ? 0 : i + 1);
            *record = i + 1;
        }
    }
    assert_int_equal(keys.count, KEY_COUNT);
    keys_done(&keys);
}

/* Goal: the table tells when it is full, and still finds what it has. */
static void test_full(void **state)
{
    (void) state;
    struct keys keys = {.text = BUFFER_EMPTY};
    char name[32];
    uint32_t *record;
    for (unsigned i = 0; i < KEYS_MAX; i++) {
        (void) snprintf(name, sizeof(name), "%u", i);
        *record_of(&keys, name, "00001") = i;
    }
    assert_false(keys_record(&keys, &record, "ONE MORE", 8, "00001"));
    assert_int_equal(*record_of(&keys, name, "00001"), KEYS_MAX - 1);
    keys_done(&keys);
    /* Long names use its room up before. */
    static char longest[1024];
    memset(longest, 'x', sizeof(longest));
    unsigned count = 0;
    do {
        memcpy(longest, &count, sizeof(count));
        count += 1;
    } while (keys_record(&keys, &record, longest, sizeof(longest), "00001"));
    assert_in_range(count, KEYS_TEXT_BYTES_MAX / 1040, KEYS_TEXT_BYTES_MAX / 1024);
    keys_done(&keys);
}

/* Goal: the hash that splits a file into parts never changes: a load goes on with the parts of another version. */
static void test_hash(void **state)
{
    (void) state;
    assert_true(keys_hash("75001", "PARIS", 5) == UINT64_C(0xc6ed5c5b31a70c8d));
    assert_true(keys_hash("00000", "", 0) == UINT64_C(0xfc4b6258cbbaac9d));
    /* Neither half leaves parts or places empty. */
    unsigned parts[16] = {0};
    char name[32];
    for (unsigned i = 0; i < 16000; i++) {
        int length = snprintf(name, sizeof(name), "SAINT-%u", i);
        parts[(keys_hash("75001", name, (size_t) length) >> 32) % 16] += 1;
    }
    for (size_t i = 0; i < 16; i++) {
        assert_in_range(parts[i], 800, 1200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
