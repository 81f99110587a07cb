/* Goal: which files belong together, in which order they come, what their checksums see, and what is refused.
 * Not here: names (test_name.c), sections (test_sections.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "digitalism/migrate.h"
#include "directory.h"
#include "migrate/files.h"

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

/* --- what is loaded --- */

static void write_part(struct buffer *out, const struct migrate_source *source)
{
    if (source->part.exists) {
        buffer_append_format(out, " %s%s:%.*s", source->part.no_transaction ? "!" : "", source->path,
                             (int) (source->part.end - source->part.start),
                             buffer_text(&source->text) + source->part.start);
    }
}

/* Each migration as "version name path:text", the path of what undoes it behind that; `!`: without a transaction. */
static void assert_loaded(const char *directory, bool strict, const char *expected)
{
    struct err err = {.code = ERR_NONE};
    MIGRATE_FILES_AUTO files = {.items = NULL, .count = 0};
    BUFFER_AUTO all = BUFFER_EMPTY;
    if (migrate_files_load(&files, directory, strict, true, &err) != 0) {
        fail_msg("%s", err.message);
    }
    for (size_t i = 0; i < files.count; i++) {
        const struct migrate_file *file = &files.items[i];
        buffer_append_format(&all, "%s%s %s", i == 0 ? "" : "\n", file->version.text, file->name);
        write_part(&all, &file->up);
        write_part(&all, &file->down);
        assert_int_equal(strlen(file->sha256), SHA256_TEXT_SIZE - 1);
        assert_int_equal(migrate_file_repeatable(file), file->version.text[0] == '\0');
    }
    assert_string_equal(buffer_text(&all), expected);
}

static void test_order_is_numeric(void **state)
{
    directory_write(*state, "10_b.sql", "b");
    directory_write(*state, "9_a.sql",
                    "\xEF\xBB\xBF"
                    "a");
    directory_write(*state, "R__w.sql", "w");
    directory_write(*state, "00011_c.sql", "c");
    directory_write(*state, "R__v.sql", "v");
    directory_write(*state, "V2.1__d.sql", "d");
    directory_write(*state, "V2.10__e.sql", "e");
    directory_write(*state, "README.md", "");
    assert_loaded(*state, true,
                  "2.1 V2.1__d.sql V2.1__d.sql:d\n2.10 V2.10__e.sql V2.10__e.sql:e\n9 9_a.sql 9_a.sql:a\n"
                  "10 10_b.sql 10_b.sql:b\n11 00011_c.sql 00011_c.sql:c\n R__v.sql R__v.sql:v\n R__w.sql R__w.sql:w");
}

static void test_pairs(void **state)
{
    directory_write(*state, "1_a.sql", "a");
    directory_write(*state, "1_a.down.sql", "-a");
    directory_write(*state, "2_b.up.sql", "-- no-transaction\nb");
    directory_write(*state, "0002_other.down.sql", "-b");
    directory_write(*state, "V3__c.sql", "c");
    directory_write(*state, "V3__c.down.sql", "-- no-transaction\n-c");
    assert_loaded(*state, true,
                  "1 1_a.sql 1_a.sql:a 1_a.down.sql:-a\n"
                  "2 2_b.up.sql !2_b.up.sql:-- no-transaction\nb 0002_other.down.sql:-b\n"
                  "3 V3__c.sql V3__c.sql:c !V3__c.down.sql:-- no-transaction\n-c");
}

static void test_sections(void **state)
{
    directory_write(*state, "1_a.sql", "-- +goose Up\na\n-- +goose Down\n-a\n");
    directory_write(*state, "2_b.sql", "-- migrate:up transaction:false\nb\n-- migrate:down\n-b\n");
    directory_write(*state, "3_c.sql", "-- migrate:up\nc\n-- migrate:down\n-c\n");
    directory_write(*state, "3_c.down.sql", "the file");
    directory_write(*state, "4_d.up.sql", "-- migrate:up\nd\n");
    directory_write(*state, "6_f.up.sql", "-- +goose Up\nf\n-- +goose Down\n-f\n");
    directory_write(*state, "5_e.autocommit.sql", "-- migrate:up\ne\n-- migrate:down\n-e\n");
    assert_loaded(*state, true,
                  "1 1_a.sql 1_a.sql:a\n 1_a.sql:-a\n\n2 2_b.sql !2_b.sql:b\n 2_b.sql:-b\n\n"
                  "3 3_c.sql 3_c.sql:c\n 3_c.down.sql:the file\n4 4_d.up.sql 4_d.up.sql:d\n\n"
                  "5 5_e.autocommit.sql !5_e.autocommit.sql:e\n !5_e.autocommit.sql:-e\n\n"
                  "6 6_f.up.sql 6_f.up.sql:f\n 6_f.up.sql:-f\n");
}

static void test_directories(void **state)
{
    directory_write(*state, "2024-01-31-120000_a/up.sql", "a");
    directory_write(*state, "2024-01-31-120000_a/down.sql", "-a");
    directory_write(*state, "2024-02-01-000000_b/up.sql", "-- migrate:up\nb");
    directory_write(*state, "2024-02-01-000000_b/metadata.toml", "run_in_transaction = true\n");
    directory_write(*state, "2024-02-02-000000_c/up.sql", "c");
    directory_write(*state, "2024-02-02-000000_c/down.sql", "-c");
    directory_write(*state, "2024-02-02-000000_c/metadata.toml", "# why\nrun_in_transaction=false\n");
    directory_write(*state, "2024-02-03-000000_d/up.sql", "d");
    directory_write(*state, "2024-02-03-000000_d/metadata.toml", "# run_in_transaction = false\r\nx = 1\r\n");
    directory_write(*state, "2024-02-04-000000_e/up.sql", "e");
    directory_write(*state, "2024-02-04-000000_e/metadata.toml", "");
    directory_write(*state, "old/up.sql", "x");
    directory_write(*state, ".hidden/up.sql", "x");
    assert_loaded(*state, true,
                  "20240131120000 2024-01-31-120000_a 2024-01-31-120000_a/up.sql:a 2024-01-31-120000_a/down.sql:-a\n"
                  "20240201000000 2024-02-01-000000_b 2024-02-01-000000_b/up.sql:-- migrate:up\nb\n"
                  "20240202000000 2024-02-02-000000_c !2024-02-02-000000_c/up.sql:c !2024-02-02-000000_c/down.sql:-c\n"
                  "20240203000000 2024-02-03-000000_d 2024-02-03-000000_d/up.sql:d\n"
                  "20240204000000 2024-02-04-000000_e 2024-02-04-000000_e/up.sql:e");
}

static void test_dialects(void **state)
{
    directory_write(*state, "1_a.up.sql", "all");
    directory_write(*state, "1_a.postgres.up.sql", "ours");
    directory_write(*state, "1_a.mysql.up.sql", "theirs");
    directory_write(*state, "1_a.down.sql", "-all");
    directory_write(*state, "1_a.postgres.down.sql", "-ours");
    directory_write(*state, "2_b.sqlite.up.sql", "theirs");
    directory_write(*state, "2_b.postgresql.autocommit.up.sql", "ours");
    directory_write(*state, "2_b.down.sql", "-all");
    directory_write(*state, "3_c.cockroach.sql", "theirs");
    assert_loaded(*state, true,
                  "1 1_a.postgres.up.sql 1_a.postgres.up.sql:ours 1_a.postgres.down.sql:-ours\n"
                  "2 2_b.postgresql.autocommit.up.sql !2_b.postgresql.autocommit.up.sql:ours 2_b.down.sql:-all");
}

/* --- what is refused --- */

static struct migrate_options options_of(const char *directory, bool strict)
{
    return (struct migrate_options){.directory = directory, .strict = strict, .action = MIGRATE_UP};
}

/* The message is a format for the directory. */
static void assert_refused(const char *directory, bool strict, const char *format, const char *hint)
{
    struct err err = {.code = ERR_NONE};
    char expected[1024];
    const struct migrate_options options = options_of(directory, strict);
    const char *place = strstr(format, "%s");
    (void) snprintf(expected, sizeof(expected), "%.*s%s%s", (int) (place == NULL ? 0 : place - format), format,
                    place == NULL ? "" : directory, place == NULL ? format : place + 2);
    assert_int_equal(migrate_check(&options, &err), -ERR_MIGRATION);
    assert_string_equal(err.message, expected);
    assert_string_equal(err.hint, hint);
}

static const char twins_hint[] = "give the newer of the two the next free number";

static void test_number_used_twice_names_both(void **state)
{
    directory_write(*state, "0001_a.sql", "");
    directory_write(*state, "1_b.sql", "");
    assert_refused(*state, false, "0001_a.sql and 1_b.sql in %s have the same number", twins_hint);
}

static void test_file_and_directory_of_one_number_are_twins(void **state)
{
    directory_write(*state, "1_a/up.sql", "");
    directory_write(*state, "1_b.sql", "");
    assert_refused(*state, false, "1_a and 1_b.sql in %s have the same number", twins_hint);
}

static void test_two_that_undo_one_are_twins(void **state)
{
    directory_write(*state, "1_a.sql", "");
    directory_write(*state, "1_a.down.sql", "");
    directory_write(*state, "1_b.down.sql", "");
    assert_refused(*state, false, "1_a.down.sql and 1_b.down.sql in %s have the same number", twins_hint);
}

static void test_number_and_its_dotted_form_are_twins(void **state)
{
    directory_write(*state, "V1.0__a.sql", "");
    directory_write(*state, "1_b.sql", "");
    assert_refused(*state, false, "1_b.sql and V1.0__a.sql in %s have the same number", twins_hint);
}

/* Goal: only the same migration for other dialects is left out. */
static void test_one_for_postgresql_replaces_only_its_like(void **state)
{
    directory_write(*state, "1_a.postgres.sql", "");
    directory_write(*state, "1_b.sql", "");
    assert_refused(*state, false, "1_a.postgres.sql and 1_b.sql in %s have the same number", twins_hint);
}

static void test_twins_beside_one_for_postgresql(void **state)
{
    directory_write(*state, "1_a.postgres.down.sql", "");
    directory_write(*state, "1_a.down.sql", "");
    directory_write(*state, "1_aa.down.sql", "");
    directory_write(*state, "1_a.sql", "");
    assert_refused(*state, false, "1_a.postgres.down.sql and 1_aa.down.sql in %s have the same number", twins_hint);
}

static void test_near_misses_are_errors_with_strict(void **state)
{
    const char *hint = "rename it, or move it out of the directory";
    directory_write(*state, "1_a.sql", "a");
    directory_write(*state, "003-typo.sql", "");
    assert_loaded(*state, false, "1 1_a.sql 1_a.sql:a");
    assert_refused(*state, true, "%s/003-typo.sql would not be applied: its name is not like 0001_name.sql", hint);
}

static void test_directories_without_a_title_or_up_are_near_misses(void **state)
{
    const char *hint = "rename it, or move it out of the directory";
    directory_write(*state, "1_a.sql", "a");
    directory_write(*state, "2_b/down.sql", "");
    assert_loaded(*state, false, "1 1_a.sql 1_a.sql:a");
    assert_refused(*state, true, "%s/2_b would not be applied: the directory has no up.sql", hint);
    directory_write(*state, "02/up.sql", "");
    assert_refused(*state, true,
                   "%s/02 would not be applied: a directory of a migration is named like 2024-01-31-120000_name", hint);
}

static void test_nothing_to_undo_is_a_near_miss(void **state)
{
    directory_write(*state, "1_a.sql", "a");
    directory_write(*state, "2_b.down.sql", "");
    assert_loaded(*state, false, "1 1_a.sql 1_a.sql:a");
    assert_refused(*state, true, "%s/2_b.down.sql would not be applied: there is nothing that it undoes",
                   "rename it, or move it out of the directory");
}

static void test_wrong_section_is_told_with_its_place(void **state)
{
    directory_write(*state, "0001_a.sql", "-- é\r\n-- +goose Up\r\n  -- +goose Upp\r\n");
    assert_refused(*state, false, "0001_a.sql:3:1: \"+goose Upp\" is not known",
                   "there are +goose Up, Down, StatementBegin, StatementEnd and NO TRANSACTION");
}

static void test_nul_byte_is_refused(void **state)
{
    assert_true(directory_write_bytes(*state, "0001_a.sql", "a\0b", 3));
    assert_refused(*state, false, "%s/0001_a.sql has a NUL byte, so it is not SQL in UTF-8", "");
}

static void test_missing_directory_is_a_migration_error(void **state)
{
    (void) state;
    assert_refused("/nonexistent", false, "cannot open the directory %s: No such file or directory",
                   "MIGRATIONS_PATH names the directory of the migrations");
}

/* Goal: a path that is wrong, but exists, is not taken for a database without tables. */
static void test_directory_without_migrations_is_refused(void **state)
{
    const char *hint = "migrations have names like 0001_name.sql; MIGRATIONS_PATH names their directory";
    directory_write(*state, "README.md", "");
    assert_refused(*state, false, "the directory %s has no migration", hint);
}

static void test_operands_are_read_before_there_is_a_connection(void **state)
{
    struct err err = {.code = ERR_NONE};
    struct migrate_options options = options_of(*state, false);
    directory_write(*state, "1_a.sql", "");
    options.to = "x";
    assert_int_equal(migrate_check(&options, &err), -ERR_CONFIG);
    assert_string_equal(err.message, "\"x\" is no version: it must be the number of a migration");
    options = (struct migrate_options){.directory = *state, .action = MIGRATE_DOWN, .operand = "0"};
    assert_int_equal(migrate_check(&options, &err), -ERR_CONFIG);
    assert_string_equal(err.message, "\"0\" is not how many to undo: it must be a number from 1 to 10000");
    options.operand = "2";
    options.to = "1";
    assert_int_equal(migrate_check(&options, &err), -ERR_CONFIG);
    assert_string_equal(err.message, "migrate down takes how many to undo or --to, not both");
    options.to = NULL;
    assert_int_equal(migrate_check(&options, &err), 0);
}

static void test_our_own_migrations_are_in_order(void **state)
{
    (void) state;
    MIGRATE_FILES_AUTO files = {.items = NULL, .count = 0};
    assert_int_equal(migrate_files_load(&files, TEST_SOURCE_DIR "/migrations", true, false, NULL), 0);
    assert_true(files.count >= 3);
    for (size_t i = 0; i < files.count; i++) {
        char number[MIGRATE_VERSION_SIZE];
        (void) snprintf(number, sizeof(number), "%zu", i + 1);
        assert_string_equal(files.items[i].version.text, number);
    }
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, directory_set_up, directory_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum_ignores_byte_order_mark_and_line_ends),
        IN_DIRECTORY(test_order_is_numeric),
        IN_DIRECTORY(test_pairs),
        IN_DIRECTORY(test_sections),
        IN_DIRECTORY(test_directories),
        IN_DIRECTORY(test_dialects),
        IN_DIRECTORY(test_number_used_twice_names_both),
        IN_DIRECTORY(test_file_and_directory_of_one_number_are_twins),
        IN_DIRECTORY(test_two_that_undo_one_are_twins),
        IN_DIRECTORY(test_number_and_its_dotted_form_are_twins),
        IN_DIRECTORY(test_one_for_postgresql_replaces_only_its_like),
        IN_DIRECTORY(test_twins_beside_one_for_postgresql),
        IN_DIRECTORY(test_near_misses_are_errors_with_strict),
        IN_DIRECTORY(test_directories_without_a_title_or_up_are_near_misses),
        IN_DIRECTORY(test_nothing_to_undo_is_a_near_miss),
        IN_DIRECTORY(test_wrong_section_is_told_with_its_place),
        IN_DIRECTORY(test_nul_byte_is_refused),
        cmocka_unit_test(test_missing_directory_is_a_migration_error),
        IN_DIRECTORY(test_directory_without_migrations_is_refused),
        IN_DIRECTORY(test_operands_are_read_before_there_is_a_connection),
        cmocka_unit_test(test_our_own_migrations_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
