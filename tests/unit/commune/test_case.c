/* Goal: lower case is Python's, and folding makes spellings of one name equal.
 * Not here: the normal form (test_name.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "digitalism/commune.h"

static void test_both(void **state)
{
    static const struct {
        const char *text;
        const char *lower;
        const char *folded;
    } cases[] = {
        {"", "", ""},
        {" PARIS_75001 ", " paris_75001 ", " paris_75001 "},
        {"L'HAŸ-LES-ROSES", "l'haÿ-les-roses", "l'haÿ-les-roses"},
        {"ŒUF", "œuf", "œuf"},
        {"Straße", "straße", "strasse"},
        {"STRASSE", "strasse", "strasse"},
        {"E\xCC\x81VRY", "évry", "évry"}, /* a combining accent */
    };
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO out = BUFFER_EMPTY;
        assert_int_equal(commune_name_lower(&out, cases[i].text, strlen(cases[i].text)), COMMUNE_OK);
        assert_string_equal(buffer_text(&out), cases[i].lower);
        buffer_clear(&out);
        assert_int_equal(commune_name_folded(&out, cases[i].text, strlen(cases[i].text)), COMMUNE_OK);
        assert_string_equal(buffer_text(&out), cases[i].folded);
    }
}

static void test_what_is_no_text(void **state)
{
    BUFFER_AUTO out = BUFFER_EMPTY;
    (void) state;
    buffer_append_text(&out, "before");
    assert_int_equal(commune_name_lower(&out, "A\xFF", 2), COMMUNE_NAME_ENCODING);
    assert_int_equal(commune_name_folded(&out, "A\xC3", 2), COMMUNE_NAME_ENCODING);
    assert_string_equal(buffer_text(&out), "before");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_what_is_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
