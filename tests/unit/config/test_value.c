/* Goal: each kind of value accepts exactly what DESIGN's settings allow, and printing never shows a secret.
 * Not here: which setting has which kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/value.h"

static void test_boolean_accepts_its_eight_words_in_any_case(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        bool value;
    } good[] = {{"true", true},   {"YES", true}, {"On", true},   {"1", true},
                {"false", false}, {"No", false}, {"OFF", false}, {"0", false}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        bool value = !good[i].value;
        assert_true(config_value_boolean(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    static const char *const bad[] = {"", "2", "truee", "y", " true", "true "};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bool value = true;
        assert_false(config_value_boolean(bad[i], &value));
        assert_true(value);
    }
}

static void test_integer_keeps_to_digits_and_range(void **state)
{
    (void) state;
    int64_t value = -7;
    assert_true(config_value_integer("0", 0, 65535, &value));
    assert_int_equal(value, 0);
    assert_true(config_value_integer("65535", 0, 65535, &value));
    assert_int_equal(value, 65535);
    assert_true(config_value_integer("9223372036854775807", 0, INT64_MAX, &value));
    assert_true(value == INT64_MAX);
    static const char *const bad[] = {
        "", "80o0", "65536", "-1", "+1", " 1", "1 ", "0x10", "1.0", "9223372036854775808", "99999999999999999999999"};
    value = -7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(config_value_integer(bad[i], 0, 65535, &value));
        assert_int_equal(value, -7);
    }
}

static void test_duration_knows_units_decimals_and_bare_seconds(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"500ms", 500},  {"8s", 8000},    {"2m", 120000}, {"60", 60000}, {"1.0", 1000},
                {"0.5m", 30000}, {"1.25s", 1250}, {"0", 0},       {"2S", 2000},  {"0.0006", 1}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int64_t value = -1;
        assert_true(config_value_duration(good[i].text, 0, 3600000, &value));
        assert_int_equal(value, good[i].value);
    }
    static const char *const bad[] = {"",   "s",  "8 s", "-1s", "1.",    ".5",        "8sec",
                                      "1h", "2d", "1e3", "61m", "1.2.3", "0.0000001", "9223372036854775807m"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t value = -1;
        assert_false(config_value_duration(bad[i], 0, 3600000, &value));
        assert_int_equal(value, -1);
    }
    int64_t value = -1;
    assert_false(config_value_duration("99ms", 100, 1000, &value));
}

static void test_size_counts_in_powers_of_1024(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"256M", 268435456},
                {"1G", 1073741824},
                {"512MiB", 536870912},
                {"0.5g", 536870912},
                {"3k", 3072},
                {"2kib", 2048},
                {"16777216", 16777216},
                {"1.5K", 1536},
                {"0", 0},
                {"0.0001K", 0},
                {"1024GIB", INT64_C(1) << 40}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int64_t value = -1;
        assert_true(config_value_size(good[i].text, 0, INT64_C(1) << 40, &value));
        assert_int_equal(value, good[i].value);
    }
    static const char *const bad[] = {"",      "M",   "256 M", "-1M",   "1.5",
                                      "256MB", "1T",  "1Gi",   "1e9",   ".5G",
                                      "5.G",   "0x1", "1MM",   "1025G", "9223372036854775807K"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t value = -1;
        assert_false(config_value_size(bad[i], 0, INT64_C(1) << 40, &value));
        assert_int_equal(value, -1);
    }
    int64_t value = -1;
    assert_false(config_value_size("15M", 16777216, 33554432, &value));
    assert_false(config_value_size("16777215", 16777216, 33554432, &value));
    assert_true(config_value_size("16M", 16777216, 33554432, &value));
}

static void test_size_prints_in_its_largest_whole_unit(void **state)
{
    (void) state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {1023, "1023"},
                 {1024, "1K"},
                 {268435456, "256M"},
                 {268435457, "268435457"},
                 {1610612736, "1536M"},
                 {1073741824, "1G"},
                 {INT64_C(1) << 40, "1024G"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO out = BUFFER_EMPTY;
        config_value_print_size(&out, cases[i].value);
        assert_string_equal(buffer_text(&out), cases[i].text);
    }
}

static void test_limit_is_a_count_or_a_share(void **state)
{
    (void) state;
    struct config_limit limit = {0};
    assert_true(config_value_limit("250", &limit));
    assert_int_equal(limit.count, 250);
    assert_int_equal(limit.permille, -1);
    assert_true(config_value_limit("10%", &limit));
    assert_int_equal(limit.permille, 100);
    assert_true(config_value_limit("2.5%", &limit));
    assert_int_equal(limit.permille, 25);
    assert_true(config_value_limit("100%", &limit));
    assert_int_equal(limit.permille, 1000);
    assert_true(config_value_limit("0%", &limit));
    assert_int_equal(limit.permille, 0);
    static const char *const bad[] = {"", "%", "101%", "100.1%", "0.05%", "-1", "1.5", "10 %", "10%%", "many"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        limit = (struct config_limit){.count = 3, .permille = 4};
        assert_false(config_value_limit(bad[i], &limit));
        assert_int_equal(limit.count, 3);
        assert_int_equal(limit.permille, 4);
    }
}

static void test_text_has_a_length_and_no_control_characters(void **state)
{
    (void) state;
    char long_text[CONFIG_VALUE_BYTES_MAX + 2];
    memset(long_text, 'x', sizeof(long_text));
    long_text[CONFIG_VALUE_BYTES_MAX + 1] = '\0';
    assert_false(config_value_text(long_text));
    long_text[CONFIG_VALUE_BYTES_MAX] = '\0';
    assert_true(config_value_text(long_text));
    assert_true(config_value_text("h\xC3\xA9"));
    assert_false(config_value_text(""));
    assert_false(config_value_text("two\nlines"));
    assert_false(config_value_text("del\x7F"));
}

static void test_url_needs_scheme_host_and_a_real_port(void **state)
{
    (void) state;
    static const char *const good[] = {"http://localhost:8080", "https://host/path?x=1", "HTTP://[::1]:80/",
                                       "http://user:word@host:1/", "https://nominatim.example.org"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(config_value_url(good[i]));
    }
    static const char *const bad[] = {"",
                                      "localhost:8080",
                                      "ftp://host",
                                      "http://",
                                      "http:///x",
                                      "http://host:",
                                      "http://host:0",
                                      "http://host:65536",
                                      "http://:80",
                                      "http://ho st/",
                                      "http://[::1",
                                      "http://[]:80",
                                      "http://host:80x/",
                                      "http://[::1]x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(config_value_url(bad[i]));
    }
}

static void test_duration_prints_in_its_largest_whole_unit(void **state)
{
    (void) state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{500, "500ms"}, {1000, "1s"}, {60000, "60s"},  {90000, "90s"},
                 {120000, "2m"}, {0, "0s"},    {1250, "1250ms"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO out = BUFFER_EMPTY;
        config_value_print_duration(&out, cases[i].value);
        assert_string_equal(buffer_text(&out), cases[i].text);
    }
}

static void test_redaction_hides_every_password(void **state)
{
    (void) state;
    static const struct {
        const char *url;
        const char *shown;
    } cases[] = {
        {"postgresql://u:hidden@h:5432/d", "postgresql://u:***@h:5432/d"},
        {"postgresql://u@h/d", "postgresql://u@h/d"},
        {"postgresql://h:5432/d?sslmode=require", "postgresql://h:5432/d?sslmode=require"},
        {"postgresql://h/d?user=u&password=hidden&x=1", "postgresql://h/d?user=u&password=***&x=1"},
        {"postgresql://h/d?sslpassword=hidden", "postgresql://h/d?sslpassword=***"},
        {"postgresql://h/d?pass%77ord=hidden", "postgresql://h/d?pass%77ord=***"},
        {"postgresql://h/d?PASSWORD=hidden", "postgresql://h/d?PASSWORD=***"},
        {"postgresql://u:hid@den@h/d", "postgresql://u:***@h/d"},
        {"postgresql://u:hid/den@h/d", "postgresql://u:***@h/d"},
        {"postgresql://u:hid?den@h/d", "postgresql://u:***@h/d"},
        {"postgresql://u:hid?den@h/d?password=hidden", "postgresql://u:***@h/d?password=***"},
        {"postgresql://h:5432/d?application_name=a@b", "postgresql://h:5432/d?application_name=a@b"},
        {"host=h password=hidden", "***"},
        {"", "***"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO out = BUFFER_EMPTY;
        config_value_print_redacted(&out, cases[i].url);
        assert_string_equal(buffer_text(&out), cases[i].shown);
    }
}

static void test_values_in_messages_are_escaped_and_cut(void **state)
{
    (void) state;
    BUFFER_AUTO out = BUFFER_EMPTY;
    config_value_print_clean(&out, "a\nb\x1B[31m");
    assert_string_equal(buffer_text(&out), "a\\x0ab\\x1b[31m");
    char long_text[300];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    buffer_clear(&out);
    config_value_print_clean(&out, long_text);
    assert_int_equal(out.length, 131);
    assert_string_equal(buffer_text(&out) + 126, "xx...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boolean_accepts_its_eight_words_in_any_case),
        cmocka_unit_test(test_integer_keeps_to_digits_and_range),
        cmocka_unit_test(test_duration_knows_units_decimals_and_bare_seconds),
        cmocka_unit_test(test_size_counts_in_powers_of_1024),
        cmocka_unit_test(test_size_prints_in_its_largest_whole_unit),
        cmocka_unit_test(test_limit_is_a_count_or_a_share),
        cmocka_unit_test(test_text_has_a_length_and_no_control_characters),
        cmocka_unit_test(test_url_needs_scheme_host_and_a_real_port),
        cmocka_unit_test(test_duration_prints_in_its_largest_whole_unit),
        cmocka_unit_test(test_redaction_hides_every_password),
        cmocka_unit_test(test_values_in_messages_are_escaped_and_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
