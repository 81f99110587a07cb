/* Goal: a log file that was moved away is opened anew at its old place, and no line is lost when it cannot be.
 * Not here: everything else about the log (test_log.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/base/log.h"

struct fixture {
    char directory[64];
    char path[80];
    char moved[80];
    struct err err;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.directory = "/tmp/digitalism-reopen-XXXXXX"};
    if (mkdtemp(fixture.directory) == NULL) {
        return -1;
    }
    (void) snprintf(fixture.path, sizeof(fixture.path), "%s/log", fixture.directory);
    (void) snprintf(fixture.moved, sizeof(fixture.moved), "%s/log.1", fixture.directory);
    *state = &fixture;
    struct log_settings settings = {.level = LOG_LEVEL_INFO, .format = LOG_FORMAT_TEXT, .path = fixture.path};
    return log_open(&settings, &fixture.err);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    struct log_settings settings = {.level = LOG_LEVEL_INFO, .format = LOG_FORMAT_TEXT, .path = "stderr"};
    (void) unlink(fixture->path);
    (void) rmdir(fixture->path);
    (void) unlink(fixture->moved);
    return log_open(&settings, &fixture->err) == 0 ? rmdir(fixture->directory) : -1;
}

static size_t lines_of(const char *path, const char *text)
{
    char line[LOG_LINE_BYTES_MAX];
    size_t count = 0;
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        count += strstr(line, text) != NULL;
    }
    assert_int_equal(fclose(file), 0);
    return count;
}

static void test_lines_follow_the_path(void **state)
{
    struct fixture *fixture = *state;
    log_info("first");
    assert_int_equal(rename(fixture->path, fixture->moved), 0);
    log_info("second");
    assert_int_equal(log_reopen(&fixture->err), 0);
    log_info("third");
    assert_int_equal(lines_of(fixture->moved, "first"), 1);
    assert_int_equal(lines_of(fixture->moved, "second"), 1);
    assert_int_equal(lines_of(fixture->moved, "third"), 0);
    assert_int_equal(lines_of(fixture->path, "third"), 1);
}

static void test_a_failure_keeps_the_old_file(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(rename(fixture->path, fixture->moved), 0);
    assert_int_equal(mkdir(fixture->path, 0700), 0);
    assert_int_equal(log_reopen(&fixture->err), -ERR_CONFIG);
    assert_non_null(strstr(fixture->err.message, "cannot open the log file"));
    assert_non_null(strstr(fixture->err.message, "Is a directory"));
    log_info("still here");
    assert_int_equal(lines_of(fixture->moved, "still here"), 1);
}

/* Opening a FIFO that nobody reads would wait for a reader, and an event loop with it. */
static void test_a_fifo_without_a_reader_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(rename(fixture->path, fixture->moved), 0);
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    assert_int_equal(log_reopen(&fixture->err), -ERR_CONFIG);
    log_info("still here");
    assert_int_equal(lines_of(fixture->moved, "still here"), 1);
}

static void test_descriptors_do_not_add_up(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(log_reopen(&fixture->err), 0);
    int before = dup(STDERR_FILENO);
    assert_int_equal(close(before), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(log_reopen(&fixture->err), 0);
    }
    int after = dup(STDERR_FILENO);
    assert_int_equal(close(after), 0);
    assert_true(after <= before + 1);
}

static void test_stdout_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    struct log_settings settings = {.level = LOG_LEVEL_INFO, .format = LOG_FORMAT_TEXT, .path = "stderr"};
    assert_int_equal(log_open(&settings, &fixture->err), 0);
    int descriptor = log_descriptor();
    assert_int_equal(log_reopen(&fixture->err), 0);
    assert_int_equal(log_descriptor(), descriptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_follow_the_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failure_keeps_the_old_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_fifo_without_a_reader_is_not_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_descriptors_do_not_add_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stdout_is_left_alone, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
