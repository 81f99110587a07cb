/* Goal: a text is cut into the statements that psql would send, and each is known by its first words.
 * Not here: tokens (test_lexer.c); PostgreSQL as the judge (tests/integration/test_migrate_lexer.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/base/buffer.h"
#include "migrate/script.h"

static struct migrate_script parse(const char *text)
{
    struct err err = {.code = ERR_NONE};
    struct migrate_script script = {.items = NULL};
    size_t offset = 0;
    if (migrate_script_parse(&script, text, 0, strlen(text), &offset, &err) != 0) {
        fail_msg("%s, at %zu of: %s", err.message, offset, text);
    }
    return script;
}

/* Each statement in brackets, its kind's letter before it, and its data in braces behind it. */
static void write_script(struct buffer *out, const char *text, const struct migrate_script *script)
{
    static const char kinds[MIGRATE_STATEMENT_KIND_COUNT + 1] = " BCEIAT";
    for (size_t i = 0; i < script->count; i++) {
        const struct migrate_statement *statement = &script->items[i];
        if (statement->kind != MIGRATE_STATEMENT_OTHER) {
            buffer_append_char(out, kinds[statement->kind]);
        }
        buffer_append_char(out, '[');
        buffer_append(out, text + statement->start, statement->end - statement->start);
        buffer_append_char(out, ']');
        if (statement->has_data) {
            buffer_append_char(out, '{');
            buffer_append(out, text + statement->data_start, statement->data_end - statement->data_start);
            buffer_append_char(out, '}');
        }
    }
}

static void assert_script(const char *text, const char *expected)
{
    MIGRATE_SCRIPT_AUTO script = parse(text);
    BUFFER_AUTO all = BUFFER_EMPTY;
    write_script(&all, text, &script);
    assert_string_equal(buffer_text(&all), expected);
}

static void test_statements_end_at_semicolons(void **state)
{
    (void) state;
    assert_script("", "");
    assert_script(" -- x\n/* ; */ ", "");
    assert_script(";;\n;", "");
    assert_script("SELECT 1", "[SELECT 1]");
    assert_script("SELECT 1;SELECT 2;", "[SELECT 1][SELECT 2]");
    assert_script("-- a\nSELECT 1 -- b;\n + 1 /* ; */ ; -- c\nSELECT 2 -- d",
                  "[SELECT 1 -- b;\n + 1 /* ; */ ][SELECT 2]");
    assert_script("SELECT 1;;SELECT 2 ;\r\n", "[SELECT 1][SELECT 2 ]");
    assert_script("a=1;b:=2;c::int;", "[a=1][b:=2][c::int]");
}

static void test_goose_ends_statements_at_its_mark(void **state)
{
    (void) state;
    assert_script("-- +goose StatementBegin\na\n-- +goose StatementEnd\nb; c\n  --+goose  statementend \r\nd",
                  "[a][b][c][d]");
    assert_script("a;\n-- +goose StatementEnd\n-- +goose StatementEnd", "[a]");
    assert_script("-- +goose StatementEnds\n", "");
    assert_script("a -- +goose StatementEnd\n + 1", "[a -- +goose StatementEnd\n + 1]");
    assert_script("a\n-- +goose StatementBegin\n + 1", "[a\n-- +goose StatementBegin\n + 1]");
    assert_script("a\n+goose StatementEnd", "[a\n+goose StatementEnd]");
}

static void test_semicolons_in_quotes_end_nothing(void **state)
{
    (void) state;
    assert_script("SELECT 'a;b''c;'; x", "[SELECT 'a;b''c;'][x]");
    assert_script("SELECT '\\'; x", "[SELECT '\\'][x]");
    assert_script("SELECT E'\\';' ; x", "[SELECT E'\\';' ][x]");
    assert_script("SELECT \"a;\"\"b;\"; x", "[SELECT \"a;\"\"b;\"][x]");
    assert_script("SELECT U&\"d\\0061;\" U&'\\'; x", "[SELECT U&\"d\\0061;\" U&'\\'][x]");
    assert_script("DO $$ a; $x$ ; $$; x", "[DO $$ a; $x$ ; $$][x]");
    assert_script("DO $x$ a; $$ ; $x$; x", "[DO $x$ a; $$ ; $x$][x]");
    assert_script("/* a; /* b; */ c; */ x; y", "[x][y]");
    assert_script("PREPARE p AS SELECT $1; x", "[PREPARE p AS SELECT $1][x]");
}

static void test_semicolons_in_parentheses_end_nothing(void **state)
{
    (void) state;
    assert_script("CREATE RULE r AS ON INSERT TO a DO (SELECT 1; SELECT (2)); x",
                  "[CREATE RULE r AS ON INSERT TO a DO (SELECT 1; SELECT (2))][x]");
    assert_script("SELECT (1; x", "[SELECT (1; x]");
    assert_script("SELECT 1); x", "[SELECT 1)][x]");
    assert_script("SELECT ')'; x; SELECT ('('); y", "[SELECT ')'][x][SELECT ('(')][y]");
}

static void test_bodies_of_functions(void **state)
{
    (void) state;
    assert_script("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; x",
                  "[CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END][x]");
    assert_script("create or replace procedure p() begin atomic select case when true then 1 end; end; x",
                  "[create or replace procedure p() begin atomic select case when true then 1 end; end][x]");
    assert_script("CREATE FUNCTION f() RETURNS int RETURN CASE WHEN true THEN 1 END; x",
                  "[CREATE FUNCTION f() RETURNS int RETURN CASE WHEN true THEN 1 END][x]");
    assert_script(
        "CREATE FUNCTION f(a int DEFAULT (CASE WHEN true THEN 1 END)) BEGIN ATOMIC SELECT (SELECT CASE a WHEN 1 "
        "THEN 2 END); END; x",
        "[CREATE FUNCTION f(a int DEFAULT (CASE WHEN true THEN 1 END)) BEGIN ATOMIC SELECT (SELECT CASE a WHEN 1 "
        "THEN 2 END); END][x]");
    assert_script("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; x", "[CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; x]");
    assert_script("CREATE TABLE function (a int); BEGIN; x; END;", "[CREATE TABLE function (a int)]B[BEGIN][x]C[END]");
}

static void test_copy_takes_its_data(void **state)
{
    (void) state;
    assert_script("COPY t FROM stdin;\n1\t;'\n\\.\nSELECT 1;", "[COPY t FROM stdin]{1\t;'\n}[SELECT 1]");
    assert_script("copy t (a, b)\n  from STDIN with (format csv) ; -- now\n\"a;\n\"\n\\.\nx",
                  "[copy t (a, b)\n  from STDIN with (format csv) ]{\"a;\n\"\n}[x]");
    assert_script("COPY t FROM stdin;\r\n1\r\n\\.\r\nx", "[COPY t FROM stdin]{1\r\n}[x]");
    assert_script("COPY t FROM stdin;\n\\.\nx", "[COPY t FROM stdin]{}[x]");
    assert_script("COPY t FROM stdin;\n1\n\\.", "[COPY t FROM stdin]{1\n}");
    assert_script("COPY t FROM stdin;\n\\.x\n \\.\n\\\\.\n\\.\nx", "[COPY t FROM stdin]{\\.x\n \\.\n\\\\.\n}[x]");
    assert_script("COPY t FROM stdin; /* a */ -- b\n1\n\\.\n", "[COPY t FROM stdin]{1\n}");
}

static void test_copy_data_without_an_end_goes_to_the_end(void **state)
{
    (void) state;
    assert_script("COPY t FROM stdin;\n1\n2", "[COPY t FROM stdin]{1\n2}");
    assert_script("COPY t FROM stdin;\n1;\n", "[COPY t FROM stdin]{1;\n}");
    assert_script("COPY t FROM stdin;", "[COPY t FROM stdin]{}");
    assert_script("COPY t FROM stdin", "[COPY t FROM stdin]{}");
    assert_script("COPY t FROM stdin\n;\n", "[COPY t FROM stdin\n]{}");
}

static void test_other_copies_have_no_data(void **state)
{
    (void) state;
    assert_script("COPY t TO stdout;\n1\n", "[COPY t TO stdout][1]");
    assert_script("COPY t FROM '/x';\nx", "[COPY t FROM '/x'][x]");
    assert_script("COPY (SELECT a FROM stdin) TO stdout; x", "[COPY (SELECT a FROM stdin) TO stdout][x]");
    assert_script("COPY stdin FROM '/x'; x", "[COPY stdin FROM '/x'][x]");
    assert_script("SELECT a FROM stdin; x", "[SELECT a FROM stdin][x]");
}

static void test_commands_of_pg_dump_are_skipped(void **state)
{
    (void) state;
    assert_script("\\restrict abc;DEF\nSELECT 1;\n\\unrestrict abc\n", "[SELECT 1]");
    assert_script("\\restrict", "");
    assert_script("SET transaction_timeout = 0; SET transaction_timeout = 1; SET x = 0",
                  "T[SET transaction_timeout = 0][SET transaction_timeout = 1][SET x = 0]");
    assert_script("SELECT 1\n\\unrestrict a;\n + 1; x", "[SELECT 1\n\\unrestrict a;\n + 1][x]");
}

static void assert_wrong(const char *text, size_t offset, const char *message, const char *hint)
{
    struct err err = {.code = ERR_NONE};
    struct migrate_script script = {.count = 77};
    size_t at = 0;
    if (migrate_script_parse(&script, text, 0, strlen(text), &at, &err) != -(int) ERR_MIGRATION) {
        fail_msg("not refused: %s", text);
    }
    assert_int_equal(script.count, 77);
    assert_string_equal(err.message, message);
    assert_string_equal(err.hint, hint);
    assert_int_equal(at, offset);
}

static void test_other_commands_of_psql_are_refused(void **state)
{
    (void) state;
    const char *hint = "write it in SQL, or take it out";
    assert_wrong("SELECT 1;\n\\i x.sql\n", 10, "\\i is a command of psql, not SQL", hint);
    assert_wrong("\\connect x", 0, "\\connect is a command of psql, not SQL", hint);
    assert_wrong("SELECT 1 \\gset\n", 9, "\\gset is a command of psql, not SQL", hint);
    assert_wrong("SELECT (\\x", 8, "\\x is a command of psql, not SQL", hint);
    assert_wrong("COPY t FROM '/x';\n1\n\\.\n", 20, "\\. is a command of psql, not SQL", hint);
    assert_wrong("\\!ls", 0, "\\! is a command of psql, not SQL", hint);
    assert_wrong("\\é", 0, "\\ is a command of psql, not SQL", hint);
    assert_wrong("\\\n", 0, "\\ is a command of psql, not SQL", hint);
    assert_wrong("\\", 0, "\\ is a command of psql, not SQL", hint);
    assert_wrong("\\restrictive", 0, "\\restrictive is a command of psql, not SQL", hint);
    assert_wrong("SELECT $\\a$;$\\a$;", 8, "\\a is a command of psql, not SQL", hint);
}

static void test_sql_in_the_line_of_copy_is_refused(void **state)
{
    (void) state;
    assert_wrong("COPY t FROM stdin; SELECT 1;\n1\n\\.\n", 19,
                 "nothing may stand behind COPY … FROM stdin; in its line", "");
}

/* Goal: what is behind it is not left out in silence. */
static void test_comment_without_an_end_is_refused(void **state)
{
    (void) state;
    const char *message = "the comment that begins here has no end";
    const char *hint = "it hides all that is behind it; comments nest, so that each /* needs its own */";
    assert_wrong("SELECT 1; /* x\nSELECT 2;\n", 10, message, hint);
    assert_wrong("SELECT 1 /* /* */ ;", 9, message, hint);
    assert_wrong("/* a */ /*/", 8, message, hint);
    assert_wrong("/*", 0, message, hint);
    assert_script("SELECT '/*'; -- /*\nSELECT \"/*\" $$ /* $$", "[SELECT '/*'][SELECT \"/*\" $$ /* $$]");
    assert_script("COPY t FROM stdin;\n/*\n\\.\nx", "[COPY t FROM stdin]{/*\n}[x]");
}

static void test_only_the_part_is_read(void **state)
{
    (void) state;
    const char *text = "\\x;ab;cd;COPY t FROM stdin;\n1\n2\n\\.\n";
    struct migrate_script script = {.items = NULL};
    size_t offset = 0;
    assert_int_equal(migrate_script_parse(&script, text, 4, 8, &offset, NULL), 0);
    assert_int_equal(script.count, 2);
    assert_int_equal(script.items[0].start, 4);
    assert_int_equal(script.items[1].end, 8);
    migrate_script_done(&script);
    assert_int_equal(migrate_script_parse(&script, text, 9, 30, &offset, NULL), 0);
    assert_int_equal(script.count, 1);
    assert_int_equal(script.items[0].data_start, 28);
    assert_int_equal(script.items[0].data_end, 30);
    migrate_script_done(&script);
}

static void test_more_statements_than_there_was_room_for(void **state)
{
    (void) state;
    BUFFER_AUTO text = BUFFER_EMPTY;
    for (int i = 0; i < 1000; i++) {
        buffer_append_text(&text, "x;");
    }
    MIGRATE_SCRIPT_AUTO script = parse(buffer_text(&text));
    assert_int_equal(script.count, 1000);
    assert_int_equal(script.items[999].start, 1998);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements_end_at_semicolons),
        cmocka_unit_test(test_goose_ends_statements_at_its_mark),
        cmocka_unit_test(test_semicolons_in_quotes_end_nothing),
        cmocka_unit_test(test_semicolons_in_parentheses_end_nothing),
        cmocka_unit_test(test_bodies_of_functions),
        cmocka_unit_test(test_copy_takes_its_data),
        cmocka_unit_test(test_copy_data_without_an_end_goes_to_the_end),
        cmocka_unit_test(test_other_copies_have_no_data),
        cmocka_unit_test(test_commands_of_pg_dump_are_skipped),
        cmocka_unit_test(test_other_commands_of_psql_are_refused),
        cmocka_unit_test(test_sql_in_the_line_of_copy_is_refused),
        cmocka_unit_test(test_comment_without_an_end_is_refused),
        cmocka_unit_test(test_only_the_part_is_read),
        cmocka_unit_test(test_more_statements_than_there_was_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
