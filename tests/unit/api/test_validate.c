/* Goal: parameters become numbers exactly within their limits, and every fault has FastAPI's form, all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/validate.h"
#include "exchange.h"

static void test_integers(void **state)
{
    static const struct {
        const char *text;
        enum api_integer kind;
        int64_t number;
    } cases[] = {
        {"0", API_INTEGER_VALID, 0},
        {"17", API_INTEGER_VALID, 17},
        {"+17", API_INTEGER_VALID, 17},
        {"-5", API_INTEGER_VALID, -5},
        {" \t17 ", API_INTEGER_VALID, 17},
        {"0017", API_INTEGER_VALID, 17},
        {"9223372036854775807", API_INTEGER_VALID, INT64_MAX},
        {"-9223372036854775808", API_INTEGER_VALID, INT64_MIN},
        {"9223372036854775808", API_INTEGER_ABOVE, 0},
        {"-9223372036854775809", API_INTEGER_BELOW, 0},
        {"99999999999999999999999999999999999999999", API_INTEGER_ABOVE, 0},
        {"99999999999999999999999999999999999x", API_INTEGER_MALFORMED, 0},
        {"", API_INTEGER_MALFORMED, 0},
        {"  ", API_INTEGER_MALFORMED, 0},
        {"-", API_INTEGER_MALFORMED, 0},
        {"+-1", API_INTEGER_MALFORMED, 0},
        {"1 7", API_INTEGER_MALFORMED, 0},
        {"1e2", API_INTEGER_MALFORMED, 0},
        {"1.0", API_INTEGER_MALFORMED, 0},
        {"0x10", API_INTEGER_MALFORMED, 0},
        {"true", API_INTEGER_MALFORMED, 0},
        {"２", API_INTEGER_MALFORMED, 0},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t number = 4711;
        assert_int_equal(api_parse_integer(&number, cases[i].text, strlen(cases[i].text)), cases[i].kind);
        assert_true(number == (cases[i].kind == API_INTEGER_VALID ? cases[i].number : 4711));
    }
    int64_t number = 0;
    assert_int_equal(api_parse_integer(&number, "1\0002", 3), API_INTEGER_MALFORMED);
}

static bool path_id(struct http_exchange *exchange, const char *text, int64_t *id)
{
    struct api_faults faults;
    api_faults_init(&faults);
    *exchange = (struct http_exchange){.parameter = text, .parameter_length = strlen(text)};
    bool is_valid = api_path_id(&faults, exchange, "city_id", id);
    if (!is_valid) {
        api_faults_reply(&faults, exchange);
    }
    api_faults_done(&faults);
    return is_valid;
}

static void test_path_ids(void **state)
{
    struct http_exchange exchange;
    int64_t id = -1;
    (void) state;
    assert_true(path_id(&exchange, "2147483647", &id) && id == INT32_MAX);
    /* No row has such an id, so that they end as 404, not as a fault. */
    assert_true(path_id(&exchange, "2147483648", &id) && id == 0);
    assert_true(path_id(&exchange, "-1", &id) && id == 0);
    assert_true(path_id(&exchange, "99999999999999999999", &id) && id == 0);
    assert_false(path_id(&exchange, "2A", &id));
    assert_int_equal(exchange.status, 422);
    assert_string_equal(exchange.body, "{\"detail\":[{\"type\":\"int_parsing\",\"loc\":[\"path\",\"city_id\"],"
                                       "\"msg\":\"Un nombre entier est attendu\",\"input\":\"2A\"}]}");
}

static void test_counts(void **state)
{
    struct http_exchange exchange = {.query_names = {"skip"}, .query_values = {"9223372036854775807"}};
    struct api_faults faults;
    int64_t skip = -1;
    int64_t limit = -1;
    (void) state;
    api_faults_init(&faults);
    assert_true(api_query_count(&faults, &exchange, "skip", 0, &skip) && skip == INT64_MAX);
    assert_true(api_query_count(&faults, &exchange, "limit", 100, &limit) && limit == 100);
    assert_int_equal(faults.count, 0);
    api_faults_done(&faults);
}

static void test_all_faults_at_once(void **state)
{
    struct http_exchange exchange = {.query_names = {"skip", "limit", "other"},
                                     .query_values = {"-1", "9223372036854775808", ""}};
    struct api_faults faults;
    int64_t number = -1;
    (void) state;
    api_faults_init(&faults);
    assert_false(api_query_count(&faults, &exchange, "skip", 0, &number));
    assert_false(api_query_count(&faults, &exchange, "limit", 100, &number));
    assert_false(api_query_count(&faults, &exchange, "other", 0, &number));
    assert_int_equal(number, -1);
    api_faults_reply(&faults, &exchange);
    assert_int_equal(exchange.answers, 1);
    assert_string_equal(
        exchange.body,
        "{\"detail\":[{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"skip\"],"
        "\"msg\":\"La valeur doit être supérieure ou égale à 0\",\"input\":\"-1\"},"
        "{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"limit\"],"
        "\"msg\":\"La valeur doit être inférieure ou égale à 9223372036854775807\",\"input\":\"9223372036854775808\"},"
        "{\"type\":\"int_parsing\",\"loc\":[\"query\",\"other\"],"
        "\"msg\":\"Un nombre entier est attendu\",\"input\":\"\"}]}");
}

static void test_texts_for_postgresql(void **state)
{
    (void) state;
    assert_true(api_text_valid("", 0));
    assert_true(api_text_valid("HA\xC5\xB8", 4));
    assert_false(api_text_valid("a\0b", 3));
    assert_false(api_text_valid("Amb\xE9rieu", 8));
    assert_false(api_text_valid("\xED\xA0\x80", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_path_ids),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_all_faults_at_once),
        cmocka_unit_test(test_texts_for_postgresql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
