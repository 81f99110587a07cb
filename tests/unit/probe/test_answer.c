/* Goal: only a whole HTTP/1 head gives a status, and what is none is refused at its first wrong byte.
 * Not here: sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "probe/answer.h"

static int status_of(const char *text)
{
    return probe_answer_status(text, strlen(text));
}

static void test_whole_heads(void **state)
{
    (void) state;
    assert_int_equal(status_of("HTTP/1.1 200 OK\r\n\r\n"), 200);
    assert_int_equal(status_of("HTTP/1.0 503 \r\nA: b\r\n\r\nbody"), 503);
    assert_int_equal(status_of("HTTP/1.1 204\r\n\r\n"), 204);
}

/* Every prefix of a good head asks for more, so that an answer in single bytes works. */
static void test_prefixes_ask_for_more(void **state)
{
    (void) state;
    static const char head[] = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
    for (size_t length = 0; length < sizeof(head) - 1; length++) {
        assert_int_equal(probe_answer_status(head, length), 0);
    }
    assert_int_equal(probe_answer_status(head, sizeof(head) - 1), 200);
}

static void test_other_protocols(void **state)
{
    (void) state;
    static const char *const bad[] = {"S",
                                      "SSH-2.0",
                                      "HTTP/2 200 \r\n\r\n",
                                      "HTTP/1.1  200",
                                      "HTTP/1.1 2x0 OK",
                                      "HTTP/1.1 2000 OK",
                                      "http/1.1 200 OK",
                                      "HTTP/1.1 200OK",
                                      "HTTP/1.1 099 X\r\n\r\n",
                                      "HTTP/1.1 600 X\r\n\r\n",
                                      "\r\nHTTP/1.1 200 OK\r\n\r\n",
                                      "HTTP/1.1 200\nX"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(status_of(bad[i]), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_heads),
        cmocka_unit_test(test_prefixes_ask_for_more),
        cmocka_unit_test(test_other_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
