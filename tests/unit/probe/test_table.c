/* Goal: every status is shown as tables/NAME.txt says for tables/NAME.json; a new case is two files.
 * Not here: asking for it (test_status.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/base/file.h"
#include "probe/table.h"

#define FOLDER TEST_SOURCE_DIR "/tests/unit/probe/tables/"

static struct buffer read_file(const char *name, const char *ending)
{
    char path[512];
    struct buffer text = BUFFER_EMPTY;
    struct err err;
    (void) snprintf(path, sizeof(path), FOLDER "%.64s%s", name, ending);
    if (file_read(&text, path, 65536, &err) < 0) {
        fail_msg("%s", err.message);
    }
    return text;
}

static void check_case(const char *name)
{
    BUFFER_AUTO json = read_file(name, ".json");
    BUFFER_AUTO expected = read_file(name, ".txt");
    BUFFER_AUTO out = BUFFER_EMPTY;
    struct json_value *status = NULL;
    struct err err;
    assert_int_equal(json_parse(&status, json.data, json.length, &err), 0);
    table_print(&out, status);
    json_free(status);
    if (strcmp(buffer_text(&out), buffer_text(&expected)) != 0) {
        fail_msg("%s is shown as\n%s", name, buffer_text(&out));
    }
}

static void test_every_file(void **state)
{
    struct file_list files;
    struct err err;
    size_t cases = 0;
    (void) state;
    assert_int_equal(file_list(&files, FOLDER, &err), 0);
    for (size_t i = 0; i < files.count; i++) {
        char name[64];
        const char *ending = strstr(files.names[i], ".json");
        if (ending != NULL) {
            (void) snprintf(name, sizeof(name), "%.*s", (int) (ending - files.names[i]), files.names[i]);
            check_case(name);
            cases += 1;
        }
    }
    file_list_done(&files);
    assert_true(cases > 0);
}

static void test_nothing_of_an_object_is_needed(void **state)
{
    BUFFER_AUTO out = BUFFER_EMPTY;
    (void) state;
    table_print(&out, NULL);
    assert_memory_equal(out.data, "digitalism - at -, pid -, up -: not serving\n", 44);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file),
        cmocka_unit_test(test_nothing_of_an_object_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
