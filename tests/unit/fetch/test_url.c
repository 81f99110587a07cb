/* Goal: URLs are put together and shown as they must be.
 * Not here: their use (test_geocode.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "digitalism/fetch.h"

static void test_join(void **state)
{
    static const struct {
        const char *base;
        const char *joined;
    } cases[] = {
        {"http://h", "http://h/search"},
        {"http://h/", "http://h/search"},
        {"http://h:1/a/b//", "http://h:1/a/b/search"},
        {"http://u:p@h/a?key=1#x", "http://u:p@h/a/search?key=1"},
        {"http://h#x?y", "http://h/search"},
        {"http://h?", "http://h/search?"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO url = BUFFER_EMPTY;
        fetch_url_join(&url, cases[i].base, "search");
        assert_string_equal(buffer_text(&url), cases[i].joined);
    }
}

/* RFC 3986, section 2.3: only unreserved characters stand for themselves, in every position of a value. */
static void test_parameters(void **state)
{
    (void) state;
    BUFFER_AUTO url = BUFFER_EMPTY;
    fetch_url_join(&url, "http://h", "s");
    fetch_url_parameter(&url, "a", "Az09-._~");
    fetch_url_parameter(&url, "b", "");
    fetch_url_parameter(&url, "c", " &=+#%/?'\"\xC3\x89\x01\x7f");
    assert_string_equal(buffer_text(&url), "http://h/s?a=Az09-._~&b=&c=%20%26%3D%2B%23%25%2F%3F%27%22%C3%89%01%7F");
    buffer_clear(&url);
    fetch_url_join(&url, "http://h?", "s");
    fetch_url_parameter(&url, "a", "1");
    assert_string_equal(buffer_text(&url), "http://h/s?a=1");
}

static void test_redaction(void **state)
{
    static const struct {
        const char *url;
        const char *shown;
    } cases[] = {
        {"http://h:80/a/b", "http://h:80/a/b"},
        {"https://user:p@ss@h/a?key=secret#x", "https://h/a"},
        {"http://user@[::1]:8080", "http://[::1]:8080"},
        {"http://h/a@b", "http://h/a@b"},
        {"http://h?a@b/c", "http://h"},
        {"user:word@h", "h"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO shown = BUFFER_EMPTY;
        fetch_url_redacted(&shown, cases[i].url);
        assert_string_equal(buffer_text(&shown), cases[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_redaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
