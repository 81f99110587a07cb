/* Goal: deadlines, backoff and log times keep to their contracts at the edges.
 * Not here: how long anything takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <limits.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "digitalism/base/clock.h"

static void test_deadlines(void **state)
{
    (void) state;
    int64_t now_ms = clock_now_ms();
    assert_true(now_ms > 0);
    assert_int_equal(clock_remaining_ms(now_ms - 1), 0);
    assert_int_equal(clock_remaining_ms(INT64_MIN), 0);
    int64_t remaining_ms = clock_remaining_ms(now_ms + 3600000);
    assert_true(remaining_ms > 0 && remaining_ms <= 3600000);
    assert_int_equal(clock_poll_timeout(CLOCK_NEVER), -1);
    assert_int_equal(clock_poll_timeout(now_ms - 1), 0);
    assert_int_equal(clock_poll_timeout(CLOCK_NEVER - 1), INT_MAX);
    assert_int_equal(clock_earlier(3, CLOCK_NEVER), 3);
    assert_int_equal(clock_earlier(5, 4), 4);
}

static void test_utc_has_the_digits_asked_for(void **state)
{
    (void) state;
    char text[CLOCK_UTC_SIZE];
    assert_int_equal(clock_format_utc(text, 3), 24);
    assert_int_equal(strlen(text), 24);
    assert_int_equal(text[19], '.');
    assert_int_equal(text[23], 'Z');
    assert_int_equal(clock_format_utc(text, 6), 27);
    assert_int_equal(text[26], 'Z');
    struct tm utc = {.tm_year = 0};
    assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &utc));
    time_t shown = timegm(&utc);
    time_t now = time(NULL);
    assert_true(shown <= now && now - shown < 60);
}

/* Each delay is the doubled one, at most the largest, give or take 20 %. */
static void test_backoff_doubles_up_to_its_limit(void **state)
{
    (void) state;
    struct backoff backoff = {.first_ms = 100, .max_ms = 2000};
    static const int64_t expected[] = {100, 200, 400, 800, 1600, 2000, 2000, 2000};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_in_range(backoff_next_ms(&backoff), expected[i] * 8 / 10, expected[i] * 12 / 10);
    }
    assert_int_equal(backoff.attempts, 8);
    backoff_reset(&backoff);
    assert_in_range(backoff_next_ms(&backoff), 80, 120);
}

/* Thousands of attempts with a limit near the end of the number range must not overflow. */
static void test_backoff_never_overflows(void **state)
{
    (void) state;
    struct backoff backoff = {.first_ms = 3, .max_ms = INT64_MAX / 1000, .attempts = 5000};
    assert_true(backoff_next_ms(&backoff) >= INT64_MAX / 1000 / 100 * 79);
    backoff = (struct backoff){.first_ms = 3, .max_ms = INT64_MAX, .attempts = 5000};
    assert_true(backoff_next_ms(&backoff) > 0);
    backoff = (struct backoff){.first_ms = 0, .max_ms = 1000, .attempts = UINT_MAX - 1};
    assert_int_equal(backoff_next_ms(&backoff), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_utc_has_the_digits_asked_for),
        cmocka_unit_test(test_backoff_doubles_up_to_its_limit),
        cmocka_unit_test(test_backoff_never_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
