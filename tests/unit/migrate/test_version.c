/* Goal: numbers of any length have one normal form, compare as numbers, and come back from the database as they went.
 * Not here: names around them (test_name.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/version.h"

#define DIGITS_40 "1234567890123456789012345678901234567890"
#define DIGITS_46 DIGITS_40 "123456"

static void assert_read(const char *text, bool dotted, const char *expected, size_t length)
{
    struct migrate_version version = {.text = "before"};
    if (migrate_version_read(&version, text, dotted) != length) {
        fail_msg("%s was not read to its byte %zu", text, length);
    }
    assert_string_equal(version.text, length == 0 ? "before" : expected);
}

static void test_normal_form(void **state)
{
    (void) state;
    assert_read("1_x", false, "1", 1);
    assert_read("0001_x", false, "1", 4);
    assert_read("0", false, "0", 1);
    assert_read("000", false, "0", 3);
    assert_read("100", false, "100", 3);
    assert_read("2024-01-31-120000_x", false, "20240131120000", 17);
    assert_read("00-01-0", false, "10", 7);
    assert_read("20191100000001000000", false, "20191100000001000000", 20);
    assert_read(DIGITS_40, false, DIGITS_40, 40);
}

static void test_dashes_group_digits_only(void **state)
{
    (void) state;
    assert_read("1-x", false, "1", 1);
    assert_read("1-", false, "1", 1);
    assert_read("1--2", false, "1", 1);
    assert_read("-1", false, "", 0);
    assert_read("", false, "", 0);
    assert_read("x1", false, "", 0);
}

static void test_parts(void **state)
{
    (void) state;
    assert_read("1.2", false, "1", 1);
    assert_read("1.2", true, "1.2", 3);
    assert_read("1_2__x", true, "1.2", 3);
    assert_read("01.002.0003", true, "1.2.3", 11);
    assert_read("1.0.0", true, "1", 5);
    assert_read("1.0.1", true, "1.0.1", 5);
    assert_read("0.0", true, "0", 3);
    assert_read("10.10", true, "10.10", 5);
    assert_read("1..2", true, "1", 1);
    assert_read("1.", true, "1", 1);
    assert_read("1.x", true, "1", 1);
    assert_read("1__2", true, "1", 1);
    assert_read("1.9999", true, "1.9999", 6);
    assert_read("1.00009999", true, "1.9999", 10);
}

static void test_what_is_too_long_is_no_number(void **state)
{
    (void) state;
    assert_read(DIGITS_46, false, DIGITS_46, 46);
    assert_read(DIGITS_46 "7", false, "", 0);
    assert_read(DIGITS_46 DIGITS_46 DIGITS_46, false, "", 0);
    assert_read("0000000000000000000000000000000000000000000000001", false, "1", 49);
    assert_read("1.12345", true, "", 0);
    assert_read(DIGITS_40 ".1.2.3", true, DIGITS_40 ".1.2.3", 46);
    assert_read(DIGITS_40 ".1.2.3.4", true, "", 0);
}

static void assert_parsed(const char *text, const char *expected)
{
    struct migrate_version version = {.text = ""};
    if (migrate_version_parse(&version, text) != (expected != NULL)) {
        fail_msg("\"%s\" is %s", text, expected == NULL ? "a version" : "no version");
    }
    if (expected != NULL) {
        assert_string_equal(version.text, expected);
    }
}

static void test_what_a_person_writes(void **state)
{
    (void) state;
    assert_parsed("3", "3");
    assert_parsed("0003", "3");
    assert_parsed("0003_x.sql", "3");
    assert_parsed("0003_2_x.up.sql", "3");
    assert_parsed("2.1", "2.1");
    assert_parsed("V2.1", "2.1");
    assert_parsed("V2_1__x.sql", "2.1");
    assert_parsed("V2__x.sql", "2");
    assert_parsed("2024-01-31-120000_x", "20240131120000");
    assert_parsed("2024-01-31-120000", "20240131120000");
    assert_parsed("", NULL);
    assert_parsed("x", NULL);
    assert_parsed("V", NULL);
    assert_parsed("3x", NULL);
    assert_parsed("3 ", NULL);
    assert_parsed(" 3", NULL);
    assert_parsed("-3", NULL);
    assert_parsed("3.", NULL);
    assert_parsed("3.x", NULL);
    assert_parsed("2.1_x", NULL);
    assert_parsed(DIGITS_46 "7", NULL);
}

static struct migrate_version version_of(const char *text)
{
    struct migrate_version version = {.text = ""};
    assert_int_equal(migrate_version_read(&version, text, true), strlen(text));
    return version;
}

/* Goal: each of the list comes before all behind it, and is equal to itself. */
static void assert_ascending(const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct migrate_version left = version_of(texts[i]);
            struct migrate_version right = version_of(texts[j]);
            int order = migrate_version_compare(&left, &right);
            if ((order > 0) - (order < 0) != (i > j) - (i < j)) {
                fail_msg("%s against %s: %d", texts[i], texts[j], order);
            }
        }
    }
}

static void test_order(void **state)
{
    (void) state;
    static const char *const numbers[] = {"0", "0001", "9", "10", "00011", "99", "100", "20170309", "2017-09-23-1"};
    static const char *const parts[] = {"0.1", "1.0", "1.0.1", "1.1", "2", "2.1", "2.2", "2.10", "2.10.1", "3", "10.0"};
    assert_ascending(numbers, sizeof(numbers) / sizeof(numbers[0]));
    assert_ascending(parts, sizeof(parts) / sizeof(parts[0]));
}

/* Goal: 1, 12, 123, … to 40 digits rise, and so do 9, 99, 999, … between them. */
static void test_order_of_every_length(void **state)
{
    (void) state;
    struct migrate_version before = version_of("0");
    for (int length = 1; length <= 40; length++) {
        char digits[64];
        char nines[64];
        (void) snprintf(digits, sizeof(digits), "%.*s", length, DIGITS_40);
        memset(nines, '9', (size_t) length);
        nines[length] = '\0';
        struct migrate_version one = version_of(digits);
        struct migrate_version other = version_of(nines);
        assert_true(migrate_version_compare(&before, &one) < 0);
        assert_true(migrate_version_compare(&one, &other) < 0);
        assert_true(migrate_version_compare(&other, &one) > 0);
        assert_int_equal(migrate_version_compare(&one, &one), 0);
        before = other;
    }
}

static void assert_number(const char *text, const char *expected)
{
    struct migrate_version version = version_of(text);
    struct migrate_version back = {.text = "x"};
    char number[MIGRATE_VERSION_NUMBER_SIZE];
    migrate_version_number(number, &version);
    assert_string_equal(number, expected);
    migrate_version_from_number(&back, number);
    assert_string_equal(back.text, version.text);
}

static void test_numbers_of_the_database(void **state)
{
    (void) state;
    assert_number("0", "0");
    assert_number("0001", "1");
    assert_number(DIGITS_46, DIGITS_46);
    assert_number("2.1", "2.0001");
    assert_number("2.10", "2.0010");
    assert_number("2.9999.1", "2.99990001");
    assert_number("0.1", "0.0001");
    assert_number("1.0.1", "1.00000001");
    assert_number("1.0", "1");
    assert_number("1.2.3.4.5.6.7.8.9.1.2.3.4.5.6.7.8.9.1.2.3.4.5",
                  "1.0002000300040005000600070008000900010002000300040005000600070008000900010002000300040005");
}

static void test_numbers_that_others_wrote(void **state)
{
    (void) state;
    struct migrate_version version = {.text = "x"};
    migrate_version_from_number(&version, "2.00010000");
    assert_string_equal(version.text, "2.1");
    migrate_version_from_number(&version, "7.000");
    assert_string_equal(version.text, "7");
    migrate_version_from_number(&version, "");
    assert_string_equal(version.text, "");
    migrate_version_from_number(&version, "NaN");
    assert_string_equal(version.text, "");
    migrate_version_from_number(&version, DIGITS_46 DIGITS_46 "." DIGITS_46 DIGITS_46);
    assert_string_equal(version.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal_form),
        cmocka_unit_test(test_dashes_group_digits_only),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_what_is_too_long_is_no_number),
        cmocka_unit_test(test_what_a_person_writes),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_order_of_every_length),
        cmocka_unit_test(test_numbers_of_the_database),
        cmocka_unit_test(test_numbers_that_others_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
