/* What the first bytes of a file tell of its delimiter.
 * Not here: the columns that decide first (test_source.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "etl/delimiter.h"

/* Goal: the most fields win, of equals the first; quotes hide what is in them, whichever delimiter is before them. */
static void test_guess(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        char wanted;
    } cases[] = {
        {"", ','},
        {"abc", ','},
        {"a;b", ';'},
        {"a\tb", '\t'},
        {"a|b|c;d", '|'},
        {"a,b;c", ','},
        {"a;b|c", ';'},
        {"a\nb;c;d", ','},
        {"\r\n\na;b\n", ';'},
        {"a,\"b;c;d\"\n", ','},
        {"\"a;b;c\",d\n", ','},
        {"a;\"b,c,d\"\n", ';'},
        {"a;\"b\nc,d,e\";f\n", ';'},
        {"\"a \"\";;;\"\" b\",c\n", ','},
        {"a,37.8\"N;b;c", ';'}, /* a quote within a field hides nothing */
        {"a,\"b;c;d", ','},     /* cut off within quotes */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t guess = delimiter_guess(cases[i].text, strlen(cases[i].text));
        if (delimiters[guess].character != cases[i].wanted) {
            fail_msg("case %zu: %s", i, delimiters[guess].name);
        }
    }
}

/* Goal: Excel's line is known with each line end and each delimiter, and nothing else is taken for it. */
static void test_line(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        size_t length;
        char delimiter;
    } cases[] = {
        {"sep=;\r\na;b", 7, ';'}, {"sep=,\na", 6, ','}, {"SEP=|\ra", 6, '|'},  {"sep=\t", 5, '\t'},
        {"sep=;\r\r\n", 6, ';'},  {"sep=;x\n", 0, 0},   {"sep=:\n", 0, 0},     {"sep=\n", 0, 0},
        {"sep=", 0, 0},           {" sep=;\n", 0, 0},   {"\"sep=;\"\n", 0, 0}, {"", 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t delimiter = DELIMITER_COUNT;
        size_t length = delimiter_line(cases[i].text, strlen(cases[i].text), &delimiter);
        if (length != cases[i].length) {
            fail_msg("case %zu: %zu", i, length);
        }
        if (length > 0) {
            assert_int_equal(delimiters[delimiter].character, cases[i].delimiter);
        } else {
            assert_int_equal(delimiter, DELIMITER_COUNT);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guess),
        cmocka_unit_test(test_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
