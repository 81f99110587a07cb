/* Goal: a slip of one letter or of case is seen, another word is not.
 * Not here: the warning that follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/nearness.h"

static void test_near_names(void **state)
{
    (void) state;
    assert_true(config_near("NOMINatIM_URL", "NOMINATIM_URL"));
    assert_true(config_near("port", "PORT"));
    assert_true(config_near("DATABASE_UR", "DATABASE_URL"));
    assert_true(config_near("ATABASE_URL", "DATABASE_URL"));
    assert_true(config_near("DATABASE_URLS", "DATABASE_URL"));
    assert_true(config_near("DATABBASE_URL", "DATABASE_URL"));
    assert_true(config_near("DATABASE_URI", "DATABASE_URL"));
    assert_true(config_near("DATABASE-URL", "DATABASE_URL"));
    assert_true(config_near("DATABASE_ULR", "DATABASE_URL"));
    assert_true(config_near("ADTABASE_URL", "DATABASE_URL"));
}

static void test_other_names(void **state)
{
    (void) state;
    assert_false(config_near("DATABASE_URL", "DATABASE_URL"));
    assert_false(config_near("HOSTNAME", "HOST"));
    assert_false(config_near("HOSTS", "HOST"));
    assert_false(config_near("POST", "PORT"));
    assert_false(config_near("DATABASE", "DATABASE_URL"));
    assert_false(config_near("DATABASEURLS", "DATABASE_URL"));
    assert_false(config_near("DATABASE_RUX", "DATABASE_URL"));
    assert_false(config_near("XATABASE_URX", "DATABASE_URL"));
    assert_false(config_near("", "DATABASE_URL"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_near_names), cmocka_unit_test(test_other_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
