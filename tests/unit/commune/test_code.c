/* Postal codes, department codes, and which belongs to which.
 * Not here: names and coordinates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/commune.h"

#define TEXT(literal) literal, sizeof(literal) - 1

/* Goal: trimming, padding, and every way not to be a postal code; a fault leaves the output alone. */
static void test_padded(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        size_t length;
        enum commune_fault fault;
        const char *wanted;
    } cases[] = {
        {TEXT("75001"), COMMUNE_OK, "75001"},
        {TEXT("1400"), COMMUNE_OK, "01400"},
        {TEXT("1"), COMMUNE_OK, "00001"},
        {TEXT(" 1000 "), COMMUNE_OK, "01000"},
        {TEXT("\xC2\xA0"
              "97133\xC2\xA0"),
         COMMUNE_OK, "97133"},
        {TEXT("\xE2\x80\xAF"
              "97133"),
         COMMUNE_OK, "97133"},
        {TEXT("00000"), COMMUNE_OK, "00000"},
        {TEXT(""), COMMUNE_POSTAL_CODE_EMPTY, "unset"},
        {TEXT(" \t"), COMMUNE_POSTAL_CODE_EMPTY, "unset"},
        {TEXT("750011"), COMMUNE_POSTAL_CODE_INVALID, "unset"},
        {TEXT("75 01"), COMMUNE_POSTAL_CODE_INVALID, "unset"},
        {TEXT("7500A"), COMMUNE_POSTAL_CODE_INVALID, "unset"},
        {TEXT("-1400"), COMMUNE_POSTAL_CODE_INVALID, "unset"},
        {TEXT("+1400"), COMMUNE_POSTAL_CODE_INVALID, "unset"},
        {TEXT("1e3"), COMMUNE_POSTAL_CODE_INVALID, "unset"},
        {TEXT("1400.0"), COMMUNE_POSTAL_CODE_INVALID, "unset"},
        {TEXT("75\0"
              "01"),
         COMMUNE_POSTAL_CODE_INVALID, "unset"},
        {TEXT("\xD9\xA1\xD9\xA2"), COMMUNE_POSTAL_CODE_INVALID, "unset"}, /* digits, but not ASCII's */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[COMMUNE_POSTAL_CODE_SIZE] = "unset";
        enum commune_fault fault = commune_postal_code_padded(out, cases[i].text, cases[i].length);
        if (fault != cases[i].fault) {
            fail_msg("case %zu (%s): %s", i, cases[i].text, commune_fault_code(fault));
        }
        assert_string_equal(out, cases[i].wanted);
    }
}

/* Goal: the API takes exactly five ASCII digits, no spaces. */
static void test_valid(void **state)
{
    (void) state;
    assert_true(commune_postal_code_valid("75001", 5));
    assert_true(commune_postal_code_valid("00000", 5));
    assert_false(commune_postal_code_valid("1400", 4));
    assert_false(commune_postal_code_valid("750011", 6));
    assert_false(commune_postal_code_valid(" 7500", 5));
    assert_false(commune_postal_code_valid("7500A", 5));
    assert_false(commune_postal_code_valid("", 0));
}

/* Goal: the department of a postal code at every border of the rule. */
static void test_department_of(void **state)
{
    (void) state;
    static const struct {
        const char *postal_code;
        const char *wanted; /* NULL: unknown */
    } cases[] = {
        {"01000", "1"},   {"09999", "9"},   {"10000", "10"},  {"19999", "19"},  {"20000", "2A"},  {"20100", "2A"},
        {"20199", "2A"},  {"20200", "2B"},  {"20600", "2B"},  {"20699", "2B"},  {"20700", NULL},  {"20999", NULL},
        {"21000", "21"},  {"69001", "69"},  {"75116", "75"},  {"95999", "95"},  {"96000", "96"},  {"97100", "971"},
        {"97133", "971"}, {"97200", "972"}, {"97300", "973"}, {"97400", "974"}, {"97500", "975"}, {"97600", "976"},
        {"98000", "980"}, {"98610", "986"}, {"98730", "987"}, {"98800", "988"}, {"99000", "99"},  {"00000", "0"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[COMMUNE_DEPARTMENT_CODE_SIZE] = "-";
        enum commune_fault fault = commune_department_of(out, cases[i].postal_code);
        assert_int_equal(fault, cases[i].wanted == NULL ? COMMUNE_DEPARTMENT_UNKNOWN : COMMUNE_OK);
        assert_string_equal(out, cases[i].wanted == NULL ? "-" : cases[i].wanted);
    }
}

/* Goal: department codes as files write them come out as they are stored. */
static void test_department_code(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        const char *wanted; /* NULL: cannot be one */
    } cases[] = {
        {"1", "1"},
        {"01", "1"},
        {"001", "1"},
        {"2A", "2A"},
        {"2a", "2A"},
        {"2b", "2B"},
        {" 971", "971"},
        {"95", "95"},
        {"\xC2\xA0"
         "7",
         "7"},
        {"", NULL},
        {" ", NULL},
        {"0", NULL},
        {"00", NULL},
        {"2C", NULL},
        {"2", "2"},
        {"1A", NULL},
        {"9711", NULL},
        {"-1", NULL},
        {"2Ab", NULL},
        {"é", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[COMMUNE_DEPARTMENT_CODE_SIZE] = "-";
        bool known = commune_department_code(out, cases[i].text, strlen(cases[i].text));
        if (known != (cases[i].wanted != NULL)) {
            fail_msg("case %zu: \"%s\"", i, cases[i].text);
        }
        assert_string_equal(out, known ? cases[i].wanted : "-");
    }
    char out[COMMUNE_DEPARTMENT_CODE_SIZE] = "-";
    assert_false(commune_department_code(out, "2\0", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_padded),
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_department_of),
        cmocka_unit_test(test_department_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
