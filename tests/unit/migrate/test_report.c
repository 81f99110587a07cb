/* Goal: an error of a statement shows its place in the file, whatever the file looks like.
 * Not here: what PostgreSQL says of which statement (tests/integration/test_migrate.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/report.h"

#define PATH "1_a.sql"

/* Reports an error of the statement number `index` of a text. */
static struct err report(const char *text, size_t index, const struct db_diagnosis *diagnosis)
{
    struct err err = {.code = ERR_DATABASE, .transient = true, .sqlstate = "42601", .message = "m", .hint = "h"};
    char path[] = PATH;
    struct migrate_source source = {.path = path, .text = BUFFER_EMPTY};
    buffer_append_text(&source.text, text);
    MIGRATE_SCRIPT_AUTO script = {.items = NULL};
    size_t offset = 0;
    assert_int_equal(migrate_script_parse(&script, text, 0, strlen(text), &offset, NULL), 0);
    assert_true(index < script.count);
    assert_int_equal(migrate_report(&err, &source, &script.items[index], diagnosis), -ERR_MIGRATION);
    assert_int_equal(err.code, ERR_MIGRATION);
    assert_string_equal(err.sqlstate, "42601");
    assert_true(err.transient);
    buffer_done(&source.text);
    return err;
}

/* Goal: the error at a character of a statement is shown so. */
static void assert_shown(const char *text, size_t index, size_t position, const char *expected)
{
    const struct db_diagnosis diagnosis = {.position = position, .message = "no"};
    const struct err err = report(text, index, &diagnosis);
    assert_string_equal(err.message, expected);
    assert_string_equal(err.hint, "");
}

static void test_caret_is_below_the_character(void **state)
{
    (void) state;
    assert_shown("SELEC 1;", 0, 1, PATH ":1:1: no (42601)\n  SELEC 1;\n  ^");
    assert_shown("a;\nb;\n  c d\n;", 2, 3, PATH ":3:5: no (42601)\n  c d\n    ^");
    assert_shown("a; b c;", 1, 3, PATH ":1:6: no (42601)\n  a; b c;\n       ^");
    assert_shown("a\n  b\n  c;", 0, 9, PATH ":3:3: no (42601)\n  c;\n  ^");
    assert_shown("a;\n", 0, 2, PATH ":1:2: no (42601)\n  a;\n   ^");
    assert_shown("a", 0, 100, PATH ":1:2: no (42601)\n  a\n   ^");
}

static void test_characters_of_several_bytes_are_one_column(void **state)
{
    (void) state;
    assert_shown("x; SELECT 'é€𝄞', FOO;", 1, 15,
                 PATH ":1:18: no (42601)\n  x; SELECT 'é€𝄞', FOO;\n                   ^");
    assert_shown("-- é\nx 'é' é;", 0, 7, PATH ":2:7: no (42601)\n  x 'é' é;\n        ^");
}

static void test_tabs_are_one_column(void **state)
{
    (void) state;
    assert_shown("\tSELECT\tFOO;", 0, 8, PATH ":1:9: no (42601)\n  SELECT FOO;\n         ^");
}

static void test_carriage_returns_are_not_shown(void **state)
{
    (void) state;
    assert_shown("a;\r\nb\r\n c;\r\n", 1, 5, PATH ":3:2: no (42601)\n  c;\n  ^");
    assert_shown("a;\r\nb\r\n c;\r\n", 1, 2, PATH ":2:2: no (42601)\n  b\n   ^");
}

static void test_long_lines_are_cut_around_the_place(void **state)
{
    (void) state;
    BUFFER_AUTO text = BUFFER_EMPTY;
    for (int i = 0; i < 100; i++) {
        buffer_append_text(&text, "123456789 ");
    }
    memcpy(text.data + 500, "HERE", 4);
    struct err err = report(text.data, 0, &(const struct db_diagnosis){.position = 501, .message = "no"});
    const char *line = strchr(err.message, '\n') + 3;
    const char *caret = strchr(line, '\n') + 3;
    assert_memory_equal(err.message, PATH ":1:501: no", strlen(PATH ":1:501: no"));
    assert_true(strlen(line) < 250);
    assert_memory_equal(line + strspn(caret, " "), "HERE", 4);
}

static void test_without_a_position_the_statement_is_shown(void **state)
{
    (void) state;
    assert_shown("a;\n\n-- why\n  b\n  c;", 1, 0, PATH ":4:3: no (42601)\n  b");
}

static void test_detail_context_and_hint_are_told(void **state)
{
    (void) state;
    const struct db_diagnosis diagnosis = {.message = "no", .detail = "d\nd", .hint = "do", .context = "c"};
    const struct err err = report("a;", 0, &diagnosis);
    assert_string_equal(err.message, PATH ":1:1: no (42601)\n  a;\nDETAIL: d\nd\nCONTEXT: c");
    assert_string_equal(err.hint, "do");
}

/* Goal: the error at a line of the block in the statement number `index` is shown at `expected`. */
static void assert_in_block(const char *text, size_t index, const char *context, const char *expected)
{
    struct db_diagnosis diagnosis = {.message = "no"};
    char shown[2048];
    strncpy(diagnosis.context, context, sizeof(diagnosis.context) - 1);
    const struct err err = report(text, index, &diagnosis);
    (void) snprintf(shown, sizeof(shown), PATH ":%s\nCONTEXT: %s", expected, context);
    assert_string_equal(err.message, shown);
}

#define BLOCK_LINE(line) "PL/pgSQL function inline_code_block line " line " at RAISE"

static void test_lines_of_a_block(void **state)
{
    (void) state;
    const char *text = "a;\nDO $$\nBEGIN\n\tRAISE 'x';\nEND $$;";
    assert_in_block(text, 1, BLOCK_LINE("3"), "4:2: no (42601)\n  RAISE 'x';");
    assert_in_block(text, 1, BLOCK_LINE("1"), "2:6: no (42601)\n  DO $$");
    assert_in_block(text, 1, BLOCK_LINE("400"), "5:1: no (42601)\n  END $$;");
    assert_in_block("DO LANGUAGE plpgsql $b$BEGIN\r\n  RAISE $$x$$;\r\nEND $b$", 0, BLOCK_LINE("2"),
                    "2:3: no (42601)\n  RAISE $$x$$;");
    assert_in_block("DO\n'BEGIN\n RAISE ''x'';\nEND';", 0, BLOCK_LINE("2"), "3:2: no (42601)\n  RAISE ''x'';");
}

static void test_block_that_calls_a_function(void **state)
{
    (void) state;
    assert_in_block("DO $$\nBEGIN\n  PERFORM f();\nEND $$;", 0,
                    "PL/pgSQL function f() line 7 at RAISE\nSQL statement \"SELECT f()\"\n" BLOCK_LINE("3"),
                    "3:3: no (42601)\n  PERFORM f();");
}

static void test_block_that_runs_another_one(void **state)
{
    (void) state;
    assert_in_block("DO $$\nBEGIN\n  EXECUTE 'DO ''x''';\nEND $$;", 0,
                    BLOCK_LINE("1") "\nSQL statement \"DO 'x'\"\n" BLOCK_LINE("3"),
                    "3:3: no (42601)\n  EXECUTE 'DO ''x''';");
}

static void test_language_in_quotes_is_no_block(void **state)
{
    (void) state;
    assert_in_block("DO LANGUAGE 'plpgsql'\n$$\n  RAISE 'x'; $$", 0, BLOCK_LINE("2"),
                    "3:3: no (42601)\n  RAISE 'x'; $$");
}

static void test_functions_of_their_own_are_not_looked_for(void **state)
{
    (void) state;
    assert_in_block("\nSELECT f($$\n\n$$);", 0, "PL/pgSQL function f() line 2 at RAISE",
                    "2:1: no (42601)\n  SELECT f($$");
    assert_in_block("\nCALL f();", 0, BLOCK_LINE("2"), "2:1: no (42601)\n  CALL f();");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caret_is_below_the_character),
        cmocka_unit_test(test_characters_of_several_bytes_are_one_column),
        cmocka_unit_test(test_tabs_are_one_column),
        cmocka_unit_test(test_carriage_returns_are_not_shown),
        cmocka_unit_test(test_long_lines_are_cut_around_the_place),
        cmocka_unit_test(test_without_a_position_the_statement_is_shown),
        cmocka_unit_test(test_detail_context_and_hint_are_told),
        cmocka_unit_test(test_lines_of_a_block),
        cmocka_unit_test(test_block_that_calls_a_function),
        cmocka_unit_test(test_block_that_runs_another_one),
        cmocka_unit_test(test_language_in_quotes_is_no_block),
        cmocka_unit_test(test_functions_of_their_own_are_not_looked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
