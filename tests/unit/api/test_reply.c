/* Goal: rows become the contract's JSON to the letter, and errors the form that clients parse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/reply.h"
#include "exchange.h"

/* A result in the place of libpq's: one row of texts, NULL for SQL NULL. */
struct db_result {
    const char *const *columns;
};

bool db_result_null(const struct db_result *result, size_t row, int column)
{
    return row != 0 || result->columns[column] == NULL;
}

const char *db_result_text(const struct db_result *result, size_t row, int column)
{
    return db_result_null(result, row, column) ? "" : result->columns[column];
}

static void check_time(const char *text, const char *json_expected)
{
    BUFFER_AUTO body = BUFFER_EMPTY;
    struct json_writer json = json_writer_init(&body);
    api_write_time(&json, text);
    assert_string_equal(buffer_text(&body), json_expected);
}

static void test_times(void **state)
{
    (void) state;
    check_time("2026-11-22 08:58:07.162738+00", "\"2026-11-22T08:58:07.162738Z\"");
    check_time("2026-11-22 08:58:26.28858+00", "\"2026-11-22T08:58:26.288580Z\"");
    check_time("2026-11-22 08:58:26.5+00", "\"2026-11-22T08:58:26.500000Z\"");
    check_time("2026-11-22 08:58:26+00", "\"2026-11-22T08:58:26Z\"");
    check_time("infinity", "\"infinity\"");
    check_time("0044-03-15 12:00:00+00 BC", "\"0044-03-15 12:00:00+00 BC\"");
    check_time("2026-11-22 08:58:26.5+02", "\"2026-11-22 08:58:26.5+02\"");
    check_time("12026-11-22 08:58:26+00", "\"12026-11-22 08:58:26+00\"");
    check_time("", "\"\"");
}

static void test_row(void **state)
{
    static const struct api_column columns[] = {{"id", API_FORM_NUMBER},       {"created_at", API_FORM_TIME},
                                                {"deleted_at", API_FORM_TIME}, {"name", API_FORM_TEXT},
                                                {"latitude", API_FORM_NUMBER}, {"longitude", API_FORM_NUMBER}};
    const char *const texts[] = {"7", "2026-11-22 08:58:26+00", NULL, "L'\"Œ\"", "-1e-05", NULL};
    const struct db_result rows = {.columns = texts};
    BUFFER_AUTO body = BUFFER_EMPTY;
    struct json_writer json = json_writer_init(&body);
    (void) state;
    json_open_array(&json);
    api_write_row(&json, columns, 6, &rows, 0);
    api_write_row(&json, columns, 1, &rows, 0);
    json_close_array(&json);
    assert_string_equal(buffer_text(&body),
                        "[{\"id\":7,\"created_at\":\"2026-11-22T08:58:26Z\",\"deleted_at\":null,"
                        "\"name\":\"L'\\\"Œ\\\"\",\"latitude\":-1e-05,\"longitude\":null},{\"id\":7}]");
}

static void test_details(void **state)
{
    struct http_exchange exchange = {.status = 0};
    (void) state;
    api_reply_detail(&exchange, 404, "%s %d introuvable", "Commune", 42);
    assert_int_equal(exchange.status, 404);
    assert_string_equal(exchange.body, "{\"detail\":\"Commune 42 introuvable\"}");
}

static void test_unavailable_says_when_to_retry(void **state)
{
    struct http_exchange exchange = {.status = 0};
    (void) state;
    api_reply_unavailable(&exchange);
    assert_int_equal(exchange.status, 503);
    assert_string_equal(exchange.retry_after, "1");
}

static void test_every_error_has_a_body(void **state)
{
    static const int known[] = {307, 400, 404, 405, 408, 413, 414, 415, 417, 431, 500, 501, 503, 505};
    BUFFER_AUTO other = BUFFER_EMPTY;
    (void) state;
    api_error_body(&other, 418, NULL);
    assert_string_equal(buffer_text(&other), "{\"detail\":\"Requête refusée\"}");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        BUFFER_AUTO body = BUFFER_EMPTY;
        api_error_body(&body, known[i], NULL);
        assert_string_not_equal(buffer_text(&body), buffer_text(&other));
        assert_memory_equal(buffer_text(&body), "{\"detail\":\"", 11);
    }
}

static void test_no_memory_is_500(void **state)
{
    struct http_exchange exchange = {.status = 0};
    struct buffer body = {.data = NULL, .failed = true};
    (void) state;
    api_reply_json(&exchange, 200, &body);
    assert_int_equal(exchange.status, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_row),
        cmocka_unit_test(test_details),
        cmocka_unit_test(test_unavailable_says_when_to_retry),
        cmocka_unit_test(test_every_error_has_a_body),
        cmocka_unit_test(test_no_memory_is_500),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
