/* Goal: the marks of goose, dbmate and sqlx are found however they are written, and wrong ones are told with their
 * line. Not here: which files are searched for marks (test_files.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/sections.h"

static struct migrate_sections find(const char *text)
{
    struct err err = {.code = ERR_NONE};
    struct migrate_sections found;
    size_t offset = 0;
    if (migrate_sections_find(&found, text, strlen(text), &offset, &err) != 0) {
        fail_msg("%s, at %zu of: %s", err.message, offset, text);
    }
    return found;
}

/* The text of a part; NULL: it does not exist. A `!` at its front: without a transaction. */
static void assert_part(const char *text, const struct migrate_part *part, const char *expected)
{
    assert_int_equal(part->exists, expected != NULL);
    if (expected == NULL) {
        return;
    }
    bool no_transaction = expected[0] == '!';
    expected += no_transaction ? 1 : 0;
    if (part->end - part->start != strlen(expected) || memcmp(text + part->start, expected, strlen(expected)) != 0) {
        fail_msg("\"%.*s\" in: %s", (int) (part->end - part->start), text + part->start, text);
    }
    assert_int_equal(part->no_transaction, no_transaction);
}

static void assert_sections(const char *text, const char *up, const char *down)
{
    struct migrate_sections found = find(text);
    assert_part(text, &found.up, up);
    assert_part(text, &found.down, down);
}

static void test_without_marks_all_is_up(void **state)
{
    (void) state;
    assert_sections("", "", NULL);
    assert_sections("SELECT 1;\n-- goose Up\n", "SELECT 1;\n-- goose Up\n", NULL);
    assert_sections("-- migrate:upward\n-- +gooses Up\nx", "-- migrate:upward\n-- +gooses Up\nx", NULL);
    assert_sections("SELECT 1; -- +goose Up\n", "SELECT 1; -- +goose Up\n", NULL);
    assert_sections("/* -- migrate:up */", "/* -- migrate:up */", NULL);
}

static void test_goose(void **state)
{
    (void) state;
    assert_sections("-- +goose Up\nA;\n-- +goose Down\nB;\n", "A;\n", "B;\n");
    assert_sections("-- +goose Up\nA;", "A;", NULL);
    assert_sections("-- +goose Up", "", NULL);
    assert_sections("-- +goose Down\nB;\n-- +goose Up\nA;\n", "A;\n", "B;\n");
    assert_sections("-- note\n\n/* more */\n-- +goose Up\nA;\n", "A;\n", NULL);
    assert_sections("-- +goose Up\n-- +goose StatementBegin\nA;\n-- +goose StatementEnd\n",
                    "-- +goose StatementBegin\nA;\n-- +goose StatementEnd\n", NULL);
    assert_sections("-- +goose ENVSUB OFF\n-- +goose Up\nA", "A", NULL);
}

static void test_goose_in_odd_writing(void **state)
{
    (void) state;
    assert_sections("\t --\t+GOOSE   uP \t\r\nA;\r\n--+goose\tDOWN\r\nB;\r\n", "A;\r\n", "B;\r\n");
    assert_sections("-- +goose Up\r\nA;\r\n", "A;\r\n", NULL);
}

static void test_dbmate(void **state)
{
    (void) state;
    assert_sections("-- migrate:up\nA;\n-- migrate:down\nB;\n", "A;\n", "B;\n");
    assert_sections("--MIGRATE:UP\r\nA;\r\n  --   Migrate:Down  \r\n", "A;\r\n", "");
    assert_sections("-- migrate:up\n-- migrate:down\n", "", "");
}

static void test_no_transaction_of_each_tool(void **state)
{
    (void) state;
    assert_sections("-- +goose NO TRANSACTION\n-- +goose Up\nA;\n-- +goose Down\nB;\n", "!A;\n", "!B;\n");
    assert_sections("-- +goose Up\n-- +goose  no\ttransaction\r\nA;\n", "!-- +goose  no\ttransaction\r\nA;\n", NULL);
    assert_sections("-- migrate:up transaction:false\nA;\n-- migrate:down\nB;\n", "!A;\n", "B;\n");
    assert_sections("-- migrate:up\nA;\n-- migrate:down\t Transaction:FALSE \r\nB;\n", "A;\n", "!B;\n");
    assert_sections("-- migrate:up transaction:true\nA;\n", "A;\n", NULL);
    assert_sections("-- no-transaction\n-- +goose Up\nA;\n-- +goose Down\nB;\n", "!A;\n", "!B;\n");
    assert_sections("-- no-transaction\n-- migrate:up\nA;\n", "!A;\n", NULL);
    assert_sections("-- +goose NO TRANSACTION\nA;\n", "!-- +goose NO TRANSACTION\nA;\n", NULL);
    assert_sections("-- +goose Up\n-- no-transaction\nA;\n", "-- no-transaction\nA;\n", NULL);
}

static void assert_whole(const char *text, bool no_transaction)
{
    struct migrate_part part = migrate_sections_whole(text, strlen(text));
    assert_true(part.exists);
    assert_int_equal(part.start, 0);
    assert_int_equal(part.end, strlen(text));
    if (part.no_transaction != no_transaction) {
        fail_msg("%s a transaction: %s", part.no_transaction ? "without" : "with", text);
    }
}

static void test_no_transaction_at_the_top_only(void **state)
{
    (void) state;
    assert_whole("-- no-transaction\nA;", true);
    assert_whole("-- no-transaction", true);
    assert_whole("\n\n  --No-Transaction \r\nA;", true);
    assert_whole("-- a note\n/* more */\n-- no-transaction, because of the index\nA;", false);
    assert_whole("-- a note\n/* more */\n-- no-transaction because of the index\nA;", true);
    assert_whole("A;\n-- no-transaction\n", false);
    assert_whole("-- no-transactions\nA;", false);
    assert_whole("-- run with no-transaction\nA;", false);
    assert_whole("/* x */ -- no-transaction\nA;", false);
    assert_whole("A -- no-transaction\n;", false);
    assert_whole("-- +goose Up\nA;", false);
    assert_whole("", false);
}

static void assert_wrong(const char *text, size_t offset, const char *message, const char *hint)
{
    struct err err = {.code = ERR_NONE};
    struct migrate_sections found = {.up = {.start = 77}};
    size_t at = 0;
    if (migrate_sections_find(&found, text, strlen(text), &at, &err) != -(int) ERR_MIGRATION) {
        fail_msg("not refused: %s", text);
    }
    assert_int_equal(found.up.start, 77);
    assert_string_equal(err.message, message);
    assert_string_equal(err.hint, hint);
    assert_int_equal(at, offset);
}

static void test_wrong_marks_are_told_with_their_line(void **state)
{
    (void) state;
    const char *goose_hint = "there are +goose Up, Down, StatementBegin, StatementEnd and NO TRANSACTION";
    assert_wrong("-- +goose Up\n-- +goose Upp\n", 13, "\"+goose Upp\" is not known", goose_hint);
    assert_wrong("-- +goose Up now\n", 0, "\"+goose Up now\" is not known", goose_hint);
    assert_wrong("-- +goose NO TRANSACTIONS\n", 0, "\"+goose NO TRANSACTIONS\" is not known", goose_hint);
    assert_wrong("-- +goose\nA;", 0, "\"+goose \" is not known", goose_hint);
    assert_wrong("-- +goose Up\nA;\n-- +goose Up\n", 16, "this section is there a second time", "");
    assert_wrong("-- migrate:down\n-- migrate:up\n-- migrate:down\n", 30, "this section is there a second time", "");
    assert_wrong("-- +goose Up\n-- migrate:down\n", 13, "the marks of goose and of dbmate in one file", "");
    assert_wrong("-- migrate:up\n-- +goose Down\n", 14, "the marks of goose and of dbmate in one file", "");
    assert_wrong("\n-- migrate:up transaction:off\n", 1, "the option \"transaction:off\" is not known",
                 "there is transaction:false");
    assert_wrong("-- +goose ENVSUB ON\n-- +goose Up\n", 0, "variables of the environment are not put into migrations",
                 "write the values into the file, and take the ENVSUB mark out");
}

static void test_sections_that_do_not_fit_are_told(void **state)
{
    (void) state;
    assert_wrong("-- +goose Down\nB;\n", 0, "there is a section that undoes, but none to apply", "");
    assert_wrong("-- a note\n  SELECT 1;\n-- migrate:up\nA;\n", 12, "SQL before the first section", "");
    assert_wrong("SELECT 1;\n-- +goose Down\n-- +goose Up\n", 0, "SQL before the first section", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_marks_all_is_up),
        cmocka_unit_test(test_goose),
        cmocka_unit_test(test_goose_in_odd_writing),
        cmocka_unit_test(test_dbmate),
        cmocka_unit_test(test_no_transaction_of_each_tool),
        cmocka_unit_test(test_no_transaction_at_the_top_only),
        cmocka_unit_test(test_wrong_marks_are_told_with_their_line),
        cmocka_unit_test(test_sections_that_do_not_fit_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
