/* Goal: .env and INI text become the right names, values and places, and a bad line is told by file and line.
 * Not here: which of the values wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/sources.h"

struct read {
    struct config_entries entries;
    struct buffer lines;
    struct config_faults faults;
};

static void read_text(struct read *out,
                      void (*reader)(struct config_entries *, const char *, size_t, const char *,
                                     struct config_faults *),
                      const char *text, size_t length)
{
    memset(out, 0, sizeof(*out));
    out->faults.lines = &out->lines;
    reader(&out->entries, text, length, "file", &out->faults);
    assert_false(out->entries.failed);
}

static void read_done(struct read *read)
{
    config_entries_done(&read->entries);
    buffer_done(&read->lines);
}

static void assert_dotenv(const char *line, const char *name, const char *value)
{
    struct read read;
    read_text(&read, config_read_dotenv, line, strlen(line));
    assert_string_equal(buffer_text(&read.lines), "");
    assert_int_equal(read.entries.count, 1);
    assert_string_equal(read.entries.items[0].name, name);
    assert_string_equal(read.entries.items[0].value, value);
    assert_string_equal(read.entries.items[0].place, "file:1");
    assert_int_equal(read.entries.items[0].source, CONFIG_SOURCE_DOTENV);
    read_done(&read);
}

static void test_dotenv_values(void **state)
{
    (void) state;
    assert_dotenv("A=b", "A", "b");
    assert_dotenv("A=b\r\n", "A", "b");
    assert_dotenv("\xEF\xBB\xBF"
                  "A=b\n",
                  "A", "b");
    assert_dotenv("  export\tA = b c \n", "A", "b c");
    assert_dotenv("export=b\n", "export", "b");
    assert_dotenv("export = b\n", "export", "b");
    assert_dotenv("A=\n", "A", "");
    assert_dotenv("A=b # comment\n", "A", "b");
    assert_dotenv("A= # comment\n", "A", "");
    assert_dotenv("A=b#c\n", "A", "b#c");
    assert_dotenv("A=#c\n", "A", "#c");
    assert_dotenv("A=b=c\n", "A", "b=c");
    assert_dotenv("A=$HOME\n", "A", "$HOME");
    assert_dotenv("A='b # \\n \"$c' # comment\n", "A", "b # \\n \"$c");
    assert_dotenv("A=\"b # \\n\\\"\\\\\\$c\\t\"\r\n", "A", "b # \n\"\\$c\\t");
    assert_dotenv("A=\"\"\n", "A", "");
    assert_dotenv("my.key-1=x\n", "my.key-1", "x");
}

static void test_dotenv_bad_lines_are_told_and_the_rest_is_read(void **state)
{
    (void) state;
    static const char text[] = "# first\n\nA\n=b\nB='x\nC=\"x\" y\nexport D\nE F=1\nG=\"x\\\"\nZ=1";
    struct read read;
    read_text(&read, config_read_dotenv, text, strlen(text));
    assert_string_equal(buffer_text(&read.lines), "file:3: not KEY=VALUE or a comment\n"
                                                  "file:4: not KEY=VALUE or a comment\n"
                                                  "file:5: the quote is not closed on its line\n"
                                                  "file:6: there is more behind the closing quote\n"
                                                  "file:7: not KEY=VALUE or a comment\n"
                                                  "file:8: not KEY=VALUE or a comment\n"
                                                  "file:9: the quote is not closed on its line\n");
    assert_int_equal(read.faults.count, 7);
    assert_int_equal(read.entries.count, 1);
    assert_string_equal(read.entries.items[0].place, "file:10");
    read_done(&read);
}

static void test_dotenv_limits(void **state)
{
    (void) state;
    static const char nul[] = "A=x\0y\nB=1\n";
    struct read read;
    read_text(&read, config_read_dotenv, nul, sizeof(nul) - 1);
    assert_string_equal(buffer_text(&read.lines), "file:1: holds a NUL byte\n");
    assert_int_equal(read.entries.count, 1);
    read_done(&read);

    char *text = malloc(CONFIG_LINE_BYTES_MAX + 8);
    assert_non_null(text);
    memset(text, 'x', CONFIG_LINE_BYTES_MAX + 8);
    text[1] = '=';
    read_text(&read, config_read_dotenv, text, CONFIG_LINE_BYTES_MAX);
    assert_int_equal(read.entries.count, 1);
    read_done(&read);
    read_text(&read, config_read_dotenv, text, CONFIG_LINE_BYTES_MAX + 1);
    assert_string_equal(buffer_text(&read.lines), "file:1: longer than 16 KiB\n");
    assert_int_equal(read.entries.count, 0);
    read_done(&read);
    free(text);
}

static void test_ini_names_come_from_section_and_key(void **state)
{
    (void) state;
    static const char text[] = "port = 1\n"
                               "[etl]\n"
                               "; comment\n"
                               "batch_size = 100 ; why\n"
                               "  max_rejects=5%\r\n"
                               "[DigitalISM]\n"
                               "Log_Level: debug\n"
                               "[database]\n"
                               "url = postgresql://u:p=w@h/d\n";
    static const char *const expected[][3] = {{"PORT", "1", "file:1"},
                                              {"ETL_BATCH_SIZE", "100", "file:4"},
                                              {"ETL_MAX_REJECTS", "5%", "file:5"},
                                              {"LOG_LEVEL", "debug", "file:7"},
                                              {"DATABASE_URL", "postgresql://u:p=w@h/d", "file:9"}};
    struct read read;
    read_text(&read, config_read_ini, text, strlen(text));
    assert_string_equal(buffer_text(&read.lines), "");
    assert_int_equal(read.entries.count, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < read.entries.count; i++) {
        assert_string_equal(read.entries.items[i].name, expected[i][0]);
        assert_string_equal(read.entries.items[i].value, expected[i][1]);
        assert_string_equal(read.entries.items[i].place, expected[i][2]);
        assert_int_equal(read.entries.items[i].source, CONFIG_SOURCE_INI);
    }
    read_done(&read);
}

static void test_ini_faults(void **state)
{
    (void) state;
    static const char no_value[] = "[etl]\nbatch_size\nmax_rejects = 1\n";
    struct read read;
    read_text(&read, config_read_ini, no_value, strlen(no_value));
    assert_string_equal(buffer_text(&read.lines), "file:2: not a [section], a `key = value` or a comment\n");
    assert_int_equal(read.entries.count, 1);
    read_done(&read);

    static const char no_key[] = "= 5\n";
    read_text(&read, config_read_ini, no_key, strlen(no_key));
    assert_string_equal(buffer_text(&read.lines), "file:1: not a [section], a `key = value` or a comment\n");
    assert_int_equal(read.entries.count, 0);
    read_done(&read);

    static const char nul[] = "port = 1\0\n";
    read_text(&read, config_read_ini, nul, sizeof(nul) - 1);
    assert_string_equal(buffer_text(&read.lines), "file: holds a NUL byte, so it is no text file\n");
    read_done(&read);
}

/* A library limit of 200 bytes a line must not cut a long URL, and what is over ours is told. */
static void test_ini_long_lines(void **state)
{
    (void) state;
    size_t length = CONFIG_LINE_BYTES_MAX - 1;
    char *text = malloc(length + 1);
    assert_non_null(text);
    memset(text, 'x', length + 1);
    memcpy(text, "a=", 2);
    struct read read;
    read_text(&read, config_read_ini, text, length);
    assert_string_equal(buffer_text(&read.lines), "");
    assert_int_equal(read.entries.count, 1);
    assert_int_equal(strlen(read.entries.items[0].value), length - 2);
    read_done(&read);
    read_text(&read, config_read_ini, text, length + 1);
    assert_string_equal(buffer_text(&read.lines), "file:1: longer than 16383 bytes\n");
    assert_int_equal(read.entries.count, 0);
    read_done(&read);
    free(text);
}

static void test_last_value_that_is_not_empty_is_found(void **state)
{
    (void) state;
    static char *const environment[] = {"A=1", "no equals sign", "A=2", "A=", "B=", NULL};
    static const struct config_flag flags[] = {{.name = "A", .value = "3"}};
    struct config_entries entries = {.items = NULL};
    config_read_environment(&entries, environment);
    config_read_flags(&entries, flags, 1);
    assert_string_equal(config_entries_find(&entries, CONFIG_SOURCE_ENVIRONMENT, "A")->value, "2");
    assert_string_equal(config_entries_find(&entries, CONFIG_SOURCE_FLAG, "A")->value, "3");
    assert_null(config_entries_find(&entries, CONFIG_SOURCE_ENVIRONMENT, "B"));
    assert_null(config_entries_find(&entries, CONFIG_SOURCE_INI, "A"));
    config_entries_done(&entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dotenv_values),
        cmocka_unit_test(test_dotenv_bad_lines_are_told_and_the_rest_is_read),
        cmocka_unit_test(test_dotenv_limits),
        cmocka_unit_test(test_ini_names_come_from_section_and_key),
        cmocka_unit_test(test_ini_faults),
        cmocka_unit_test(test_ini_long_lines),
        cmocka_unit_test(test_last_value_that_is_not_empty_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
