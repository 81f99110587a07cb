/* Goal: a new migration gets the next number, looks like those that are there, and overwrites nothing.
 * Not here: reading it back (test_files.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <regex.h>

#include <cmocka.h>

#include "digitalism/base/file.h"
#include "digitalism/migrate.h"
#include "directory.h"
#include "migrate/files.h"

static void assert_matches(const char *text, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int result = regexec(&regex, text, 0, NULL, 0);
    regfree(&regex);
    if (result != 0) {
        fail_msg("«%s» does not match «%s»", text, pattern);
    }
}

/* Makes a migration "t", whose files must be as the pattern says, without the directory; and reads all of them. */
static void assert_created(const char *directory, const char *pattern)
{
    struct err err = {.code = ERR_NONE};
    BUFFER_AUTO report = BUFFER_EMPTY;
    BUFFER_AUTO names = BUFFER_EMPTY;
    if (migrate_create_files(directory, "t", &report, &err) != 0) {
        fail_msg("%s", err.message);
    }
    for (const char *line = buffer_text(&report); *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_memory_equal(line, directory, strlen(directory));
        const char *name = line + strlen(directory) + 1;
        buffer_append_format(&names, "%s%.*s", names.length == 0 ? "" : " ", (int) strcspn(name, "\n"), name);
    }
    assert_matches(buffer_text(&names), pattern);
    MIGRATE_FILES_AUTO files = {.items = NULL, .count = 0};
    assert_int_equal(migrate_files_load(&files, directory, true, true, NULL), 0);
    assert_non_null(strstr(files.items[files.count - 1].name, "_t"));
}

static void assert_text(const char *directory, const char *name, const char *expected)
{
    char path[PATH_SIZE];
    BUFFER_AUTO text = BUFFER_EMPTY;
    (void) snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(file_read(&text, path, 4096, NULL), 0);
    assert_string_equal(buffer_text(&text), expected);
}

static void test_first_of_all(void **state)
{
    assert_created(*state, "^0001_t\\.sql$");
    assert_text(*state, "0001_t.sql", "-- What changes, in one transaction.\n");
    assert_created(*state, "^0002_t\\.sql$");
}

static void test_next_number_is_as_wide(void **state)
{
    directory_write(*state, "000099_a.sql", "");
    assert_created(*state, "^000100_t\\.sql$");
}

static void test_next_number_grows(void **state)
{
    directory_write(*state, "1_a.sql", "");
    directory_write(*state, "9_b.sql", "");
    assert_created(*state, "^10_t\\.sql$");
}

static void test_pair_of_files(void **state)
{
    directory_write(*state, "0001_a.sql", "");
    directory_write(*state, "0001_a.down.sql", "");
    assert_created(*state, "^0002_t\\.sql 0002_t\\.down\\.sql$");
    assert_text(*state, "0002_t.down.sql", "-- What undoes it.\n");
}

static void test_pair_that_names_both_directions(void **state)
{
    directory_write(*state, "1700000000_a.up.sql", "");
    directory_write(*state, "1700000000_a.down.sql", "");
    assert_created(*state, "^1700000001_t\\.up\\.sql 1700000001_t\\.down\\.sql$");
}

static void test_sections_of_goose(void **state)
{
    directory_write(*state, "00001_a.sql", "-- +goose Up\n-- +goose Down\n");
    assert_created(*state, "^00002_t\\.sql$");
    assert_text(*state, "00002_t.sql", "-- +goose Up\n\n-- +goose Down\n");
}

static void test_sections_of_dbmate_with_times(void **state)
{
    char name[64];
    directory_write(*state, "20200131120000_a.sql", "-- migrate:up\n-- migrate:down\n");
    assert_created(*state, "^2[0-9]{13}_t\\.sql$");
    MIGRATE_FILES_AUTO files = {.items = NULL, .count = 0};
    assert_int_equal(migrate_files_load(&files, *state, true, true, NULL), 0);
    (void) snprintf(name, sizeof(name), "%s", files.items[1].name);
    assert_text(*state, name, "-- migrate:up\n\n-- migrate:down\n");
}

static void test_longer_times(void **state)
{
    directory_write(*state, "20191100000001000000_a.postgres.up.sql", "");
    directory_write(*state, "20191100000001000000_a.postgres.down.sql", "");
    assert_created(*state, "^2[0-9]{13}000000_t\\.up\\.sql 2[0-9]{13}000000_t\\.down\\.sql$");
}

static void test_directory_with_dashes(void **state)
{
    directory_write(*state, "2020-01-31-120000_a/up.sql", "");
    directory_write(*state, "2020-01-31-120000_a/down.sql", "");
    assert_created(*state, "^2[0-9]{3}-[0-9]{2}-[0-9]{2}-[0-9]{6}_t/up\\.sql "
                           "2[0-9]{3}-[0-9]{2}-[0-9]{2}-[0-9]{6}_t/down\\.sql$");
}

static void test_flyway(void **state)
{
    directory_write(*state, "V2__a.sql", "");
    directory_write(*state, "V2.9__b.sql", "");
    directory_write(*state, "R__view.sql", "");
    struct err err = {.code = ERR_NONE};
    BUFFER_AUTO report = BUFFER_EMPTY;
    char expected[PATH_SIZE];
    (void) snprintf(expected, sizeof(expected), "%s/V3__t.sql\n", (const char *) *state);
    assert_int_equal(migrate_create_files(*state, "t", &report, &err), 0);
    assert_string_equal(buffer_text(&report), expected);
}

/* --- what is refused --- */

static void assert_refused(const char *directory, const char *title, enum err_code code, const char *message)
{
    struct err err = {.code = ERR_NONE};
    BUFFER_AUTO report = BUFFER_EMPTY;
    assert_int_equal(migrate_create_files(directory, title, &report, &err), -(int) code);
    assert_string_equal(err.message, message);
    assert_int_equal(report.length, 0);
}

static void test_titles_that_will_not_do(void **state)
{
    static const char *const titles[] = {"", "a b", "a/b", "../a", "a.b", "é", "a\nb"};
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        char expected[256];
        (void) snprintf(expected, sizeof(expected),
                        "\"%s\" will not do as a name: letters, digits, _ and -, at most 100 of them", titles[i]);
        assert_refused(*state, titles[i], ERR_CONFIG, expected);
    }
    char title[102] = "";
    BUFFER_AUTO report = BUFFER_EMPTY;
    memset(title, 'x', 101);
    assert_int_equal(migrate_create_files(*state, title, &report, NULL), -ERR_CONFIG);
    title[100] = '\0';
    assert_int_equal(migrate_create_files(*state, title, &report, NULL), 0);
}

static void test_time_in_the_future_has_no_next(void **state)
{
    directory_write(*state, "99991231235959_a.sql", "");
    assert_refused(*state, "t", ERR_MIGRATION, "there is no number behind 99991231235959");
}

static void test_what_is_there_is_not_overwritten(void **state)
{
    char expected[PATH_SIZE];
    directory_write(*state, "0001_a/up.sql", "");
    directory_write(*state, "0002_t/note", "mine");
    (void) snprintf(expected, sizeof(expected), "cannot create %s/0002_t: File exists", (const char *) *state);
    assert_refused(*state, "t", ERR_MIGRATION, expected);
    assert_text(*state, "0002_t/note", "mine");
}

static void test_directory_must_be_there(void **state)
{
    (void) state;
    assert_refused("/nonexistent", "t", ERR_MIGRATION, "/nonexistent is not a directory");
}

static void test_directory_must_be_in_order(void **state)
{
    char expected[PATH_SIZE];
    directory_write(*state, "1_a.sql", "");
    directory_write(*state, "01_b.sql", "");
    (void) snprintf(expected, sizeof(expected), "01_b.sql and 1_a.sql in %s have the same number",
                    (const char *) *state);
    assert_refused(*state, "t", ERR_MIGRATION, expected);
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, directory_set_up, directory_tear_down)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_first_of_all),
        IN_DIRECTORY(test_next_number_is_as_wide),
        IN_DIRECTORY(test_next_number_grows),
        IN_DIRECTORY(test_pair_of_files),
        IN_DIRECTORY(test_pair_that_names_both_directions),
        IN_DIRECTORY(test_sections_of_goose),
        IN_DIRECTORY(test_sections_of_dbmate_with_times),
        IN_DIRECTORY(test_longer_times),
        IN_DIRECTORY(test_directory_with_dashes),
        IN_DIRECTORY(test_flyway),
        IN_DIRECTORY(test_titles_that_will_not_do),
        IN_DIRECTORY(test_time_in_the_future_has_no_next),
        IN_DIRECTORY(test_what_is_there_is_not_overwritten),
        cmocka_unit_test(test_directory_must_be_there),
        IN_DIRECTORY(test_directory_must_be_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
