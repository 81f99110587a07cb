/* Goal: SQL is cut into tokens where PostgreSQL cuts it.
 * Not here: statements (test_script.c); PostgreSQL as the judge (tests/integration/test_migrate_lexer.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/base/buffer.h"
#include "migrate/lexer.h"

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

static void test_operators_end_where_a_comment_begins(void **state)
{
    (void) state;
    assert_tokens("a +-- x\n b", "[a][+][b]");
    assert_tokens("a */* x */ b", "[a][*][b]");
    assert_tokens("a - -b", "[a][-][-][b]");
    assert_tokens("a/ *b", "[a][/][*][b]");
    assert_tokens("/*/ b */ c", "[c]");
    assert_tokens("/* **/ c", "[c]");
    assert_tokens("-- a\rb", "[b]");
}

static void test_words_with_quotes_behind_them(void **state)
{
    (void) state;
    assert_tokens("U&'\\' x", "[U][&]['\\'][x]");
    assert_tokens("U&\"a;\"", "[U][&][\"a;\"]");
    assert_tokens("N'a;' B'1' X'\\'", "[N]['a;'][B]['1'][X]['\\']");
    assert_tokens("type'a\\' x", "[type]['a\\'][x]");
    assert_tokens("e'\\\\' x", "[e'\\\\'][x]");
    assert_tokens("e'''\\'' x", "[e'''\\''][x]");
    assert_tokens("e 'a\\' x", "[e]['a\\'][x]");
    assert_tokens("a$$b$$ c", "[a$$b$$][c]");
    assert_tokens("1$$;$$ $1$a$;$a$ x", "[1][$$;$$][$][1][$a$;$a$][x]");
}

/* Goal: the pieces of E'…' are of its kind too. */
static void test_strings_that_go_on_in_the_next_line(void **state)
{
    (void) state;
    assert_tokens("E'a'\n'\\'' x", "[E'a'\n'\\''][x]");
    assert_tokens("E'a' -- /*\n\t-- '\n 'b\\'' \r'\\'' x", "[E'a' -- /*\n\t-- '\n 'b\\'' \r'\\''][x]");
    assert_tokens("E'a' '\\' x", "[E'a']['\\'][x]");
    assert_tokens("E'a' /* \n */ '\\' x", "[E'a']['\\'][x]");
    assert_tokens("E'a'\n;'\\' x", "[E'a'][;]['\\'][x]");
    assert_tokens("'a'\n'\\' x", "['a']['\\'][x]");
    assert_tokens("E'a'\n", "[E'a']");
}

static void test_dollar_quotes_end_at_their_own_tag(void **state)
{
    (void) state;
    assert_tokens("$a$ $b$a$ x", "[$a$ $b$a$][x]");
    assert_tokens("$a$ $A$ $a$ x", "[$a$ $A$ $a$][x]");
    assert_tokens("$é1_$;$é1_$ x", "[$é1_$;$é1_$][x]");
    assert_tokens("$1a$ x", "[$][1a][$][x]");
    assert_tokens("$a b$ x", "[$][a][b$][x]");
    assert_tokens("$$$$ x", "[$$$$][x]");
}

static void test_keywords_are_found_in_any_case(void **state)
{
    (void) state;
    const char *text = "CoMMit commits";
    const struct migrate_token token = {.start = 0, .length = 6};
    const struct migrate_token longer = {.start = 7, .length = 7};
    assert_true(migrate_token_is(text, &token, "commit"));
    assert_false(migrate_token_is(text, &token, "commits"));
    assert_false(migrate_token_is(text, &longer, "commit"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_what_is_not_closed_reaches_to_the_end),
        cmocka_unit_test(test_operators_end_where_a_comment_begins),
        cmocka_unit_test(test_words_with_quotes_behind_them),
        cmocka_unit_test(test_strings_that_go_on_in_the_next_line),
        cmocka_unit_test(test_dollar_quotes_end_at_their_own_tag),
        cmocka_unit_test(test_keywords_are_found_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
