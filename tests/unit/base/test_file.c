/* Goal: files are read whole or not at all, and every failure names its path.
 * Not here: what the files mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/base/file.h"

#define DIRECTORY_TEMPLATE "/tmp/digitalism-file-XXXXXX"

static int set_up(void **state)
{
    char *directory = strdup(DIRECTORY_TEMPLATE);
    assert_non_null(directory);
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    *state = directory;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"a", "b", "c", "large"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void) unlink(names[i]);
    }
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(*state), 0);
    free(*state);
    return 0;
}

static void write_file(const char *path, const void *data, size_t length)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void test_reads_all_bytes_behind_what_is_there(void **state)
{
    (void) state;
    BUFFER_AUTO out = BUFFER_EMPTY;
    struct err err;
    write_file("a", "x\0y", 3);
    write_file("b", "", 0);
    buffer_append_text(&out, "old ");
    assert_int_equal(file_read(&out, "a", 3, &err), 0);
    assert_int_equal(out.length, 7);
    assert_memory_equal(out.data, "old x\0y", 8);
    assert_int_equal(file_read(&out, "b", 0, &err), 0);
    assert_int_equal(out.length, 7);
}

static void test_reads_more_than_one_block(void **state)
{
    (void) state;
    static char text[200 * 1024];
    BUFFER_AUTO out = BUFFER_EMPTY;
    struct err err;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char) (i * 31 % 251);
    }
    write_file("large", text, sizeof(text));
    assert_int_equal(file_read(&out, "large", sizeof(text), &err), 0);
    assert_int_equal(out.length, sizeof(text));
    assert_memory_equal(out.data, text, sizeof(text));
}

static void assert_read_fails(const char *path, size_t bytes_max, const char *message)
{
    BUFFER_AUTO out = BUFFER_EMPTY;
    struct err err;
    buffer_append_text(&out, "kept");
    assert_int_equal(file_read(&out, path, bytes_max, &err), -ERR_CONFIG);
    assert_string_equal(err.message, message);
    assert_int_equal(out.length, 4);
    assert_string_equal(buffer_text(&out), "kept");
}

static void test_failures_name_the_path_and_leave_the_output(void **state)
{
    (void) state;
    write_file("a", "12345", 5);
    assert_read_fails("a", 4, "a is larger than 4 bytes");
    assert_read_fails("missing", 4, "cannot open missing: No such file or directory");
    assert_read_fails(".", 4, "cannot read .: Is a directory");
}

static void test_list_is_sorted_by_bytes(void **state)
{
    (void) state;
    struct file_list list;
    struct err err;
    assert_int_equal(file_list(&list, ".", &err), 0);
    assert_int_equal(list.count, 0);
    file_list_done(&list);
    write_file("c", "", 0);
    write_file("a", "", 0);
    write_file("b", "", 0);
    assert_int_equal(file_list(&list, ".", &err), 0);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.names[0], "a");
    assert_string_equal(list.names[1], "b");
    assert_string_equal(list.names[2], "c");
    file_list_done(&list);
    assert_null(list.names);
}

static void test_list_failures(void **state)
{
    (void) state;
    struct file_list list = {.names = NULL, .count = 7};
    struct err err;
    write_file("a", "", 0);
    assert_int_equal(file_list(&list, "missing", &err), -ERR_CONFIG);
    assert_string_equal(err.message, "cannot open the directory missing: No such file or directory");
    assert_int_equal(file_list(&list, "a", &err), -ERR_CONFIG);
    assert_string_equal(err.message, "cannot open the directory a: Not a directory");
    assert_int_equal(list.count, 7);
}

static void test_close_forgets(void **state)
{
    (void) state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int kept = fd;
    file_close(&fd);
    assert_int_equal(fd, -1);
    assert_int_equal(fcntl(kept, F_GETFD), -1);
    file_close(&fd);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_reads_all_bytes_behind_what_is_there),
        CASE(test_reads_more_than_one_block),
        CASE(test_failures_name_the_path_and_leave_the_output),
        CASE(test_list_is_sorted_by_bytes),
        CASE(test_list_failures),
        cmocka_unit_test(test_close_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
