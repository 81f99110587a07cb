/* The summary as people and programs read it, and text for PostgreSQL.
 * Not here: counting (test_etl.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/etl.h"
#include "etl/rejects.h"

/* Goal: one line a count, aligned. */
static void test_summary(void **state)
{
    (void) state;
    struct etl_options options = {.mode = ETL_MODE_SKIP};
    struct etl_summary summary = {
        .counts = {.read = 39201, .inserted = 36218, .duplicate = 2718, .rejected = 265, .without_coordinates = 4},
        .files = 1,
        .geocoded = 3,
        .last_run = 7,
        .duration_ms = 1234};
    BUFFER_AUTO out = BUFFER_EMPTY;
    etl_summary_print(&options, &summary, &out);
    assert_string_equal(out.data, "1 file loaded in 1.23 s\n"
                                  "  read                     39201\n"
                                  "  inserted                 36218\n"
                                  "  updated                      0\n"
                                  "  unchanged                    0\n"
                                  "  duplicate                 2718\n"
                                  "  rejected                   265\n"
                                  "  without coordinates          4 (among the rows above)\n");
    buffer_clear(&out);
    etl_summary_json(&options, &summary, &out);
    assert_string_equal(out.data, "{\"mode\":\"skip\",\"dry_run\":false,\"files\":1,\"files_unchanged\":0,\"run\":7,"
                                  "\"read\":39201,\"inserted\":36218,\"updated\":0,\"unchanged\":0,\"duplicate\":2718,"
                                  "\"rejected\":265,\"without_coordinates\":4,\"geocoded\":3,\"duration_ms\":1234}\n");
    options.is_dry = true;
    summary.files = 2;
    summary.files_unchanged = 1;
    buffer_clear(&out);
    etl_summary_print(&options, &summary, &out);
    assert_memory_equal(out.data, "2 files checked, nothing written, in 1.23 s, nothing new in 1 file\n", 67);
}

/* Goal: text that PostgreSQL would refuse becomes text that it takes. */
static void test_text(void **state)
{
    (void) state;
    BUFFER_AUTO out = BUFFER_EMPTY;
    reject_append_text(&out,
                       "a\0b\xFF"
                       "cé\xC3",
                       8);
    assert_string_equal(out.data, "a\xEF\xBF\xBD"
                                  "b\xEF\xBF\xBD"
                                  "cé\xEF\xBF\xBD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
