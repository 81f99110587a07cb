/* The summary and the rejects as people read them.
 * Not here: counting (test_etl.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/base/file.h"
#include "digitalism/etl.h"
#include "etl/rejects.h"

/* Goal: one line a count, aligned. */
static void test_summary(void **state)
{
    (void) state;
    const struct etl_summary summary = {.read = 39201,
                                        .inserted = 36218,
                                        .duplicate = 2718,
                                        .rejected = 265,
                                        .without_coordinates = 4,
                                        .files = 1,
                                        .duration_ms = 1234};
    BUFFER_AUTO out = BUFFER_EMPTY;
    etl_summary_print(&summary, &out);
    assert_string_equal(out.data, "1 file loaded in 1.23 s\n"
                                  "  read                     39201\n"
                                  "  inserted                 36218\n"
                                  "  updated                      0\n"
                                  "  unchanged                    0\n"
                                  "  duplicate                 2718\n"
                                  "  rejected                   265\n"
                                  "  without coordinates          4 (among the rows above)\n");
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

/* Goal: the rejects' own file is CSV whatever they contain, and is written at the flush. */
static void test_file(void **state)
{
    (void) state;
    char folder[] = "/tmp/digitalism-rejects-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const struct row_reject why = {.column = "code_postal", .code = "postal_code_invalid", .reason = "no, \"really\""};
    const struct reject reject = {
        .file = "a,b.csv", .line = 12, .record = 10, .why = &why, .raw = {.text = "x,\"y\nz\"", .length = 7}};
    struct rejects_file file;
    rejects_file_open(&file, folder, 7);
    rejects_file_append(&file, &reject);
    rejects_file_flush(&file);
    char path[64];
    (void) snprintf(path, sizeof(path), "%s/7.csv", folder);
    BUFFER_AUTO text = BUFFER_EMPTY;
    assert_int_equal(file_read(&text, path, 4096, NULL), 0);
    assert_string_equal(text.data, "run,file,line,record,column,code,reason,raw\n"
                                   "7,\"a,b.csv\",12,10,code_postal,postal_code_invalid,\"no, \"\"really\"\"\","
                                   "\"x,\"\"y\nz\"\"\"\n");
    rejects_file_close(&file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    /* A directory that is not there is a warning only. */
    rejects_file_open(&file, folder, 8);
    assert_int_equal(file.fd, -1);
    rejects_file_append(&file, &reject);
    rejects_file_flush(&file);
    rejects_file_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
