/* Latitudes and longitudes as files write them.
 * Not here: what becomes of a city without them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/commune.h"

/* Goal: what is a number in range, what is no number, and what is absent. A fault leaves the outputs alone. */
static void test_latitude(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        enum commune_fault fault;
        bool present;
        double wanted;
    } cases[] = {
        {"46.1534255214", COMMUNE_OK, true, 46.1534255214},
        {" 46.5 ", COMMUNE_OK, true, 46.5},
        {"\xC2\xA0"
         "46.5",
         COMMUNE_OK, true, 46.5},
        {"-21", COMMUNE_OK, true, -21},
        {"+.5", COMMUNE_OK, true, 0.5},
        {"5.", COMMUNE_OK, true, 5},
        {"1.5e-05", COMMUNE_OK, true, 1.5e-05},
        {"90", COMMUNE_OK, true, 90},
        {"-90.0", COMMUNE_OK, true, -90},
        {"", COMMUNE_OK, false, 7},
        {"  ", COMMUNE_OK, false, 7},
        {"90.0000001", COMMUNE_LATITUDE_INVALID, true, 7},
        {"-91", COMMUNE_LATITUDE_INVALID, true, 7},
        {"1e400", COMMUNE_LATITUDE_INVALID, true, 7},
        {"nan", COMMUNE_LATITUDE_INVALID, true, 7},
        {"inf", COMMUNE_LATITUDE_INVALID, true, 7},
        {"0x10", COMMUNE_LATITUDE_INVALID, true, 7},
        {"46,5", COMMUNE_LATITUDE_COMMA, true, 7},
        {"-1,5e1", COMMUNE_LATITUDE_COMMA, true, 7},
        {"46,5,1", COMMUNE_LATITUDE_INVALID, true, 7},
        {"46.5,1", COMMUNE_LATITUDE_INVALID, true, 7},
        {",", COMMUNE_LATITUDE_INVALID, true, 7},
        {"-0.5", COMMUNE_OK, true, -0.5},
        {"0000000000000046.5", COMMUNE_OK, true, 46.5},
        {"46.15342552140000000000000000001", COMMUNE_OK, true, 46.1534255214},
        {"--1", COMMUNE_LATITUDE_INVALID, true, 7},
        {"1-", COMMUNE_LATITUDE_INVALID, true, 7},
        {"46.5.1", COMMUNE_LATITUDE_INVALID, true, 7},
        {"46 5", COMMUNE_LATITUDE_INVALID, true, 7},
        {"46.5N", COMMUNE_LATITUDE_INVALID, true, 7},
        {".", COMMUNE_LATITUDE_INVALID, true, 7},
        {"-", COMMUNE_LATITUDE_INVALID, true, 7},
        {"1e", COMMUNE_LATITUDE_INVALID, true, 7},
        {"1e+", COMMUNE_LATITUDE_INVALID, true, 7},
        {"0000000000000000000000000000000000000000000000000000000000000001", COMMUNE_LATITUDE_INVALID, true, 7},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double out = 7;
        bool present = true;
        enum commune_fault fault = commune_latitude(&out, &present, cases[i].text, strlen(cases[i].text));
        if (fault != cases[i].fault) {
            fail_msg("case %zu (%s): %s", i, cases[i].text, commune_fault_code(fault));
        }
        assert_int_equal(present, cases[i].present);
        assert_true(out >= cases[i].wanted && out <= cases[i].wanted);
    }
}

/* Goal: the longitude has its own range and its own fault. */
static void test_longitude(void **state)
{
    (void) state;
    double out = 0;
    bool present = false;
    assert_int_equal(commune_longitude(&out, &present, "180", 3), COMMUNE_OK);
    assert_int_equal(commune_longitude(&out, &present, "-180", 4), COMMUNE_OK);
    assert_true(present && out < -179.9 && out > -180.1);
    assert_int_equal(commune_longitude(&out, &present, "180.1", 5), COMMUNE_LONGITUDE_INVALID);
    assert_int_equal(commune_longitude(&out, &present, "east", 4), COMMUNE_LONGITUDE_INVALID);
    assert_int_equal(commune_longitude(&out, &present, "-1,5", 4), COMMUNE_LONGITUDE_COMMA);
}

/* Goal: numbers of every number of digits and decimals are the double that strtod(3) gives, to the last bit. */
static void test_exact(void **state)
{
    (void) state;
    uint64_t random = 1;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int decimals = (int) (random >> 60);
        long long fraction = (long long) ((random >> 8) % UINT64_C(1000000000000000));
        (void) snprintf(text, sizeof(text), "%s%d.%0*lld", (random & 1) != 0 ? "-" : "", (int) (random >> 40) % 90,
                        decimals, fraction);
        double out = 0;
        bool present = false;
        assert_int_equal(commune_latitude(&out, &present, text, strlen(text)), COMMUNE_OK);
        double wanted = strtod(text, NULL);
        if (memcmp(&out, &wanted, sizeof(out)) != 0) {
            fail_msg("%s is %.17g", text, out);
        }
    }
}

/* Goal: every fault has a code for machines and a text for people. */
static void test_faults(void **state)
{
    (void) state;
    for (int fault = 0; fault < COMMUNE_FAULT_COUNT; fault++) {
        assert_non_null(commune_fault_code((enum commune_fault) fault));
        assert_non_null(commune_fault_text((enum commune_fault) fault));
    }
    assert_string_equal(commune_fault_code(COMMUNE_POSTAL_CODE_INVALID), "postal_code_invalid");
    assert_string_equal(commune_fault_text(COMMUNE_POSTAL_CODE_INVALID), "postal code is not 1 to 5 digits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latitude),
        cmocka_unit_test(test_longitude),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
