/* Goal: which names are migrations, in which order, and what their checksums see.
 * Not here: applying them (tests/integration/test_migrate.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/migrate.h"
#include "migrate/internal.h"

static void test_names(void **state)
{
    (void) state;
    static const struct {
        const char *name;
        enum migrate_name kind;
        int64_t version;
    } cases[] = {
        {"0001_tables.sql", MIGRATE_NAME_UP, 1},
        {"9_x.sql", MIGRATE_NAME_UP, 9},
        {"00011_x.up.sql", MIGRATE_NAME_UP, 11},
        {"20240131120000_x.sql", MIGRATE_NAME_UP, 20240131120000},
        {"999999999999999999_x.sql", MIGRATE_NAME_UP, 999999999999999999},
        {"0000_x.sql", MIGRATE_NAME_UP, 0},
        {"0001_x.down.sql", MIGRATE_NAME_DOWN, 0},
        {"003-typo.sql", MIGRATE_NAME_MISS, 0},
        {"1000000000000000000_x.sql", MIGRATE_NAME_MISS, 0},
        {"0001.sql", MIGRATE_NAME_MISS, 0},
        {"0001_.sql", MIGRATE_NAME_MISS, 0},
        {"_x.sql", MIGRATE_NAME_MISS, 0},
        {"x.sql", MIGRATE_NAME_MISS, 0},
        {"0001_x.SQL", MIGRATE_NAME_MISS, 0},
        {"2024-01-31-120000_x", MIGRATE_NAME_MISS, 0},
        {"9", MIGRATE_NAME_MISS, 0},
        {"9.a", MIGRATE_NAME_OTHER, 0},
        {"README.md", MIGRATE_NAME_OTHER, 0},
        {".0001_x.sql", MIGRATE_NAME_OTHER, 0},
        {"0001_x.sql~", MIGRATE_NAME_OTHER, 0},
        {".sql", MIGRATE_NAME_OTHER, 0},
        {"", MIGRATE_NAME_OTHER, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t version = -1;
        if (migrate_name_parse(cases[i].name, &version) != cases[i].kind) {
            fail_msg("wrong kind of \"%s\"", cases[i].name);
        }
        assert_int_equal(version, cases[i].kind == MIGRATE_NAME_UP ? cases[i].version : -1);
    }
}

static void assert_sha256(const char *text, size_t length, const char *expected)
{
    char sha256[SHA256_TEXT_SIZE];
    assert_int_equal(migrate_sha256(sha256, text, length, NULL), 0);
    assert_string_equal(sha256, expected);
}

static void test_checksum_ignores_byte_order_mark_and_line_ends(void **state)
{
    (void) state;
    const char *expected =
        "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2"; /* sha256sum of "a\nb\n" */
    assert_sha256("a\nb\n", 4, expected);
    assert_sha256("a\r\nb\r\n", 6, expected);
    assert_sha256("\xEF\xBB\xBF"
                  "a\r\nb\n",
                  8, expected);
    assert_sha256("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    char other[SHA256_TEXT_SIZE];
    assert_int_equal(migrate_sha256(other, "a\rb\n", 4, NULL), 0);
    assert_string_not_equal(other, expected);
}

/* --- directories --- */

static int set_up(void **state)
{
    char *directory = strdup("/tmp/digitalism-unit-XXXXXX");
    assert_non_null(directory);
    assert_non_null(mkdtemp(directory));
    *state = directory;
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void) snprintf(command, sizeof(command), "rm -rf '%s'", (char *) *state);
    assert_int_equal(system(command), 0);
    free(*state);
    return 0;
}

static void write_file(const char *directory, const char *name, const char *text, size_t length)
{
    char path[256];
    (void) snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void test_order_is_numeric(void **state)
{
    const char *directory = *state;
    static const char *const names[] = {"10_b.sql", "9_a.sql", "00011_c.sql", "README.md", "9_a.down.sql"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        write_file(directory, names[i], "\xEF\xBB\xBFSELECT 1", 11);
    }
    MIGRATE_FILES_AUTO files = {.items = NULL, .count = 0};
    assert_int_equal(migrate_files_load(&files, directory, true, NULL), 0);
    assert_int_equal(files.count, 3);
    assert_string_equal(files.items[0].name, "9_a.sql");
    assert_string_equal(files.items[1].name, "10_b.sql");
    assert_string_equal(files.items[2].name, "00011_c.sql");
    assert_string_equal(buffer_text(&files.items[0].text), "SELECT 1");
}

static void test_number_used_twice_names_both(void **state)
{
    const char *directory = *state;
    write_file(directory, "0001_a.sql", "", 0);
    write_file(directory, "1_b.sql", "", 0);
    struct err err;
    char expected[256];
    (void) snprintf(expected, sizeof(expected), "0001_a.sql and 1_b.sql in %s have the same number", directory);
    assert_int_equal(migrate_check(directory, &err), -ERR_MIGRATION);
    assert_string_equal(err.message, expected);
}

static void test_nul_byte_is_refused(void **state)
{
    const char *directory = *state;
    write_file(directory, "0001_a.sql", "a\0b", 3);
    struct err err;
    assert_int_equal(migrate_check(directory, &err), -ERR_MIGRATION);
    assert_non_null(strstr(err.message, "0001_a.sql has a NUL byte"));
}

static void test_missing_directory_is_a_migration_error(void **state)
{
    (void) state;
    struct err err;
    assert_int_equal(migrate_check("/nonexistent", &err), -ERR_MIGRATION);
    assert_string_equal(err.message, "cannot open the directory /nonexistent: No such file or directory");
    assert_string_equal(err.hint, "MIGRATIONS_PATH names the directory of the migrations");
}

/* Goal: a path that is wrong, but exists, is not taken for a database without tables. */
static void test_directory_without_migrations_is_refused(void **state)
{
    const char *directory = *state;
    write_file(directory, "0001_a.down.sql", "", 0);
    struct err err;
    char expected[256];
    (void) snprintf(expected, sizeof(expected), "the directory %s has no migration", directory);
    assert_int_equal(migrate_check(directory, &err), -ERR_MIGRATION);
    assert_string_equal(err.message, expected);
    assert_string_equal(err.hint, "migrations have names like 0001_name.sql; MIGRATIONS_PATH names their directory");
}

static void test_our_own_migrations_are_in_order(void **state)
{
    (void) state;
    MIGRATE_FILES_AUTO files = {.items = NULL, .count = 0};
    assert_int_equal(migrate_files_load(&files, TEST_SOURCE_DIR "/migrations", true, NULL), 0);
    assert_true(files.count >= 3);
    for (size_t i = 0; i < files.count; i++) {
        assert_int_equal(files.items[i].version, i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_checksum_ignores_byte_order_mark_and_line_ends),
        cmocka_unit_test_setup_teardown(test_order_is_numeric, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_number_used_twice_names_both, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nul_byte_is_refused, set_up, tear_down),
        cmocka_unit_test(test_missing_directory_is_a_migration_error),
        cmocka_unit_test_setup_teardown(test_directory_without_migrations_is_refused, set_up, tear_down),
        cmocka_unit_test(test_our_own_migrations_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
