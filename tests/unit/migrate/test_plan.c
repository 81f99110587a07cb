/* Goal: what is applied and what is refused, for every way in which files and history can differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/internal.h"

#define SIDE_MAX 8

/* A side is written as "1a 2b": number 1 with content a, number 2 with content b. */
struct sides {
    struct migrate_file files[SIDE_MAX];
    struct migrate_row rows[SIDE_MAX];
    char file_names[SIDE_MAX][16];
    char row_names[SIDE_MAX][16];
};

static size_t read_side(const char *text, int64_t *versions, char *contents)
{
    size_t count = 0;
    for (; *text != '\0'; text += text[2] == ' ' ? 3 : 2) {
        versions[count] = text[0] - '0';
        contents[count] = text[1];
        count += 1;
    }
    return count;
}

static int plan(struct migrate_plan *out, struct sides *sides, const char *files, const char *history, struct err *err)
{
    int64_t versions[SIDE_MAX];
    char contents[SIDE_MAX];
    memset(sides, 0, sizeof(*sides));
    struct migrate_files all = {.items = sides->files, .count = read_side(files, versions, contents)};
    for (size_t i = 0; i < all.count; i++) {
        (void) snprintf(sides->file_names[i], sizeof(sides->file_names[i]), "%d_x.sql", (int) versions[i]);
        sides->files[i].name = sides->file_names[i];
        sides->files[i].version = versions[i];
        sides->files[i].sha256[0] = contents[i];
    }
    struct migrate_history rows = {.rows = sides->rows, .count = read_side(history, versions, contents)};
    static char binary_version[] = "0.9";
    for (size_t i = 0; i < rows.count; i++) {
        (void) snprintf(sides->row_names[i], sizeof(sides->row_names[i]), "%d_x.sql", (int) versions[i]);
        sides->rows[i].name = sides->row_names[i];
        sides->rows[i].version = versions[i];
        sides->rows[i].sha256[0] = contents[i];
        sides->rows[i].binary_version = binary_version;
    }
    return migrate_plan_make(out, &all, &rows, err);
}

static void assert_planned(const char *files, const char *history, const char *expected)
{
    struct sides sides;
    MIGRATE_PLAN_AUTO made = {.items = NULL, .count = 0};
    assert_int_equal(plan(&made, &sides, files, history, NULL), 0);
    char planned[SIDE_MAX + 1] = "";
    for (size_t i = 0; i < made.count; i++) {
        planned[i] = (char) ('0' + made.items[i]->version);
    }
    assert_string_equal(planned, expected);
}

static void assert_refused(const char *files, const char *history, const char *message, const char *hint)
{
    struct sides sides;
    struct migrate_plan made = {.items = NULL, .count = 7};
    struct err err = {.code = ERR_NONE};
    assert_int_equal(plan(&made, &sides, files, history, &err), -ERR_MIGRATION);
    assert_int_equal(made.count, 7);
    assert_string_equal(err.message, message);
    assert_string_equal(err.hint, hint);
}

static void test_what_is_new_is_applied_in_order(void **state)
{
    (void) state;
    assert_planned("1a 2b 3c", "", "123");
    assert_planned("1a 2b 3c", "1a", "23");
    assert_planned("1a 5b 9c", "1a 5b", "9");
    assert_planned("1a 2b", "1a 2b", "");
    assert_planned("", "", "");
}

static void test_edited_file_is_refused_with_both_hashes(void **state)
{
    (void) state;
    assert_refused("1a 2x 3c", "1a 2b", "2_x.sql was edited after it was applied: its sha256 was b, now it is x",
                   "restore the file as it was, and make the change in a new migration");
}

static void test_missing_file_is_refused(void **state)
{
    (void) state;
    assert_refused("2b 3c", "1a 2b", "1_x.sql was applied to the database, but the file is missing",
                   "put the file back; applied migrations belong to the database");
    assert_refused("1a 3c", "1a 2b 3c", "2_x.sql was applied to the database, but the file is missing",
                   "put the file back; applied migrations belong to the database");
}

static void test_new_file_before_an_applied_one_is_refused(void **state)
{
    (void) state;
    assert_refused("1a 2b 3c", "1a 3c", "2_x.sql is new, but stands before 3_x.sql, which is already applied",
                   "give it a number above 3");
}

static void test_newer_database_is_refused(void **state)
{
    (void) state;
    const char *hint = "start the version that has this migration, or a later one";
    assert_refused(
        "1a 2b", "1a 2b 3c",
        "the database is newer than the migrations: 3_x.sql was applied to it by version 0.9, the last file is "
        "2_x.sql",
        hint);
    assert_refused(
        "1x", "1a 2b",
        "the database is newer than the migrations: 2_x.sql was applied to it by version 0.9, the last file is "
        "1_x.sql",
        hint);
    assert_refused(
        "", "1a",
        "the database is newer than the migrations: 1_x.sql was applied to it by version 0.9, the last file is "
        "none",
        hint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_new_is_applied_in_order),
        cmocka_unit_test(test_edited_file_is_refused_with_both_hashes),
        cmocka_unit_test(test_missing_file_is_refused),
        cmocka_unit_test(test_new_file_before_an_applied_one_is_refused),
        cmocka_unit_test(test_newer_database_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
