/* Goal: how long to wait is right at every relation of the moments, also of those that another clock has left.
 * Not here: the file that they stand in, several processes (test_geocode_cache.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "geocode/rate.h"

#define SECOND INT64_C(1000000)
#define NOW    (1000 * SECOND)

static int64_t wait_us(int64_t last_us, int64_t not_before_us, int64_t rate_us)
{
    return rate_wait_us((struct lock_stamps){.last_us = last_us, .not_before_us = not_before_us}, NOW, rate_us);
}

static void test_the_pace(void **state)
{
    (void) state;
    assert_int_equal(wait_us(0, 0, 3600 * SECOND), 0);
    assert_int_equal(wait_us(NOW - 1, 0, SECOND), SECOND - 1);
    assert_int_equal(wait_us(NOW - SECOND, 0, SECOND), 0);
    assert_int_equal(wait_us(NOW - 5 * SECOND, 0, SECOND), 0);
    assert_int_equal(wait_us(NOW, 0, 0), 0);
}

static void test_a_moment_of_another_clock(void **state)
{
    (void) state;
    assert_int_equal(wait_us(NOW + 1, 0, SECOND), SECOND);
    assert_int_equal(wait_us(INT64_MAX, 0, SECOND), SECOND);
    assert_int_equal(wait_us(-5, 0, SECOND), 0);
    assert_int_equal(wait_us(0, INT64_MAX, 0), 0);
    assert_int_equal(wait_us(0, INT64_MIN + NOW, 0), 0);
}

static void test_silence(void **state)
{
    const int64_t max_us = INT64_C(1000) * RATE_SILENCE_MAX_MS;
    (void) state;
    assert_int_equal(wait_us(0, NOW + SECOND, 0), SECOND);
    assert_int_equal(wait_us(0, NOW - SECOND, 0), 0);
    assert_int_equal(wait_us(0, NOW + max_us, 0), max_us);
    assert_int_equal(wait_us(0, NOW + max_us + 1, 0), 0);
    /* The longer of the two counts. */
    assert_int_equal(wait_us(NOW, NOW + SECOND, 2 * SECOND), 2 * SECOND);
    assert_int_equal(wait_us(NOW, NOW + 3 * SECOND, 2 * SECOND), 3 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_pace),
        cmocka_unit_test(test_a_moment_of_another_clock),
        cmocka_unit_test(test_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
