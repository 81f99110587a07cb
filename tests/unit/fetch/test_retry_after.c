/* Goal: Retry-After means what RFC 9110 says, and nothing else means anything.
 * Not here: who obeys it (test_geocode.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "digitalism/fetch.h"

#define NOW 784111770 /* Sun, 06 Nov 1994 08:49:30 GMT: 7 seconds before the date that RFC 9110 has as its example */

static void test_delays(void **state)
{
    static const struct {
        const char *text;
        int64_t delay_ms;
    } cases[] = {
        {"0", 0},
        {"120", 120000},
        {" \t7 ", 7000},
        {"86400", FETCH_RETRY_AFTER_MAX_MS},
        {"86401", FETCH_RETRY_AFTER_MAX_MS},
        {"99999999999999999999999999999999", FETCH_RETRY_AFTER_MAX_MS},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 7000},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 7000},
        {"Sun Nov  6 08:49:37 1994", 7000},
        {"Sun, 06 Nov 1994 08:49:30 GMT", 0},
        {"Sun, 06 Nov 1994 08:00:00 GMT", 0},
        {"Fri, 31 Dec 9999 23:59:59 GMT", FETCH_RETRY_AFTER_MAX_MS},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t delay_ms = -1;
        if (!fetch_retry_after(cases[i].text, NOW, &delay_ms)) {
            fail_msg("%s is refused", cases[i].text);
        }
        assert_int_equal(delay_ms, cases[i].delay_ms);
    }
}

static void test_what_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "-1",
        "+1",
        "1.5",
        "1s",
        "1 2",
        "0x10",
        "soon",
        "Sun, 06 Nov 1994",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT x",
    };
    (void) state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int64_t delay_ms = 5;
        if (fetch_retry_after(texts[i], NOW, &delay_ms)) {
            fail_msg("%s is taken", texts[i]);
        }
        assert_int_equal(delay_ms, 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delays),
        cmocka_unit_test(test_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
