/* Goal: SQL is cut where PostgreSQL cuts it, and a COMMIT is found exactly where it is a statement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/internal.h"

/* The tokens of a text, each in brackets. */
static void assert_tokens(const char *text, const char *expected)
{
    struct migrate_lexer lexer = {.text = text, .length = strlen(text), .at = 0};
    struct migrate_token token;
    BUFFER_AUTO all = BUFFER_EMPTY;
    while (migrate_lexer_next(&lexer, &token)) {
        buffer_append_char(&all, '[');
        buffer_append(&all, text + token.start, token.length);
        buffer_append_char(&all, ']');
    }
    assert_string_equal(buffer_text(&all), expected);
}

static void test_tokens(void **state)
{
    (void) state;
    assert_tokens("", "");
    assert_tokens(" \t\r\n-- x", "");
    assert_tokens("a b1;c$d", "[a][b1][;][c$d]");
    assert_tokens("'it''s' x", "['it''s'][x]");
    assert_tokens("'a\\' x", "['a\\'][x]");
    assert_tokens("E'a\\' x' y", "[E'a\\' x'][y]");
    assert_tokens("\"a\"\"b;\" x", "[\"a\"\"b;\"][x]");
    assert_tokens("$$a;'$$ x", "[$$a;'$$][x]");
    assert_tokens("$t$ $$ $u$ $t$ x", "[$t$ $$ $u$ $t$][x]");
    assert_tokens("$1 $2", "[$][1][$][2]");
    assert_tokens("a -- ' \n b /* /* ; */ ' */ c", "[a][b][c]");
    assert_tokens("é€ = 1", "[é€][=][1]");
}

static void test_what_is_not_closed_reaches_to_the_end(void **state)
{
    (void) state;
    assert_tokens("'a", "['a]");
    assert_tokens("E'a\\", "[E'a\\]");
    assert_tokens("\"a", "[\"a]");
    assert_tokens("$x$ a $x", "[$x$ a $x]");
    assert_tokens("a /* b", "[a]");
    assert_tokens("$", "[$]");
    assert_tokens("/*", "");
}

static void assert_ends_at(const char *text, size_t offset)
{
    struct migrate_token found = {.start = 0};
    if (!migrate_find_transaction_end(text, strlen(text), &found)) {
        fail_msg("nothing found in: %s", text);
    }
    assert_int_equal(found.start, offset);
}

static void test_ends_are_found(void **state)
{
    (void) state;
    assert_ends_at("COMMIT", 0);
    assert_ends_at("begin; select 1; commit;", 17);
    assert_ends_at("SELECT 1;\n-- x\nEND;", 15);
    assert_ends_at("abort", 0);
    assert_ends_at("ROLLBACK", 0);
    assert_ends_at("rollback work;", 0);
    assert_ends_at("rollback and chain;", 0);
    assert_ends_at("PREPARE TRANSACTION 'x'", 0);
    assert_ends_at(";;commit", 2);
    assert_ends_at("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; COMMIT", 60);
    assert_ends_at("CREATE FUNCTION f() AS $$ x $$; COMMIT", 32);
}

static void assert_no_end(const char *text)
{
    struct migrate_token found;
    if (migrate_find_transaction_end(text, strlen(text), &found)) {
        fail_msg("an end found at %zu in: %s", found.start, text);
    }
}

static void test_look_alikes_are_no_ends(void **state)
{
    (void) state;
    assert_no_end("");
    assert_no_end("BEGIN; SELECT 1");
    assert_no_end("SELECT 'x; COMMIT;'");
    assert_no_end("-- x;\n/* ; COMMIT; */ SELECT 1");
    assert_no_end("DO $$ BEGIN NULL; END; $$; SELECT 1");
    assert_no_end("SAVEPOINT a; ROLLBACK TO a; ROLLBACK WORK TO SAVEPOINT a; ROLLBACK TRANSACTION TO a; RELEASE a");
    assert_no_end("PREPARE x AS SELECT 1");
    assert_no_end("COMMENT ON TABLE a IS 'x'; SELECT 1 AS commit");
    assert_no_end("CREATE TABLE a (\"end\" int); CREATE TABLE commits ()");
    assert_no_end("CREATE RULE r AS ON INSERT TO a DO (SELECT 1; END)");
    assert_no_end("CREATE OR REPLACE PROCEDURE f() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END; SELECT 1");
    assert_no_end("create function f() returns int begin atomic select 1; end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_what_is_not_closed_reaches_to_the_end),
        cmocka_unit_test(test_ends_are_found),
        cmocka_unit_test(test_look_alikes_are_no_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
