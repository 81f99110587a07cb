/* Goal: /health says how the whole service is, in the form that its readers know.
 * Not here: who decides that (supervise). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>

#include <cmocka.h>

#include "api/handlers.h"
#include "api/worker.h"
#include "exchange.h"

static void check_health(bool service_drains, bool is_abandoned, bool is_degraded, int status, const char *word)
{
    struct err err;
    struct scoreboard *scoreboard;
    assert_int_equal(scoreboard_new(&scoreboard, 1, &err), 0);
    scoreboard->draining = service_drains;
    scoreboard->degraded = is_degraded;
    const struct api_options options = {.scoreboard = scoreboard};
    /* Draining alone may mean that the worker is replaced, which is no news of the service. */
    struct api_worker worker = {.options = &options, .draining = true, .abandoned = is_abandoned};
    struct http_exchange exchange = {.status = 0};
    api_health_get(&exchange, &worker);
    scoreboard_free(scoreboard);
    assert_int_equal(exchange.answers, 1);
    assert_int_equal(exchange.status, status);
    char start[64];
    (void) snprintf(start, sizeof(start), "{\"status\":\"%s\",\"timestamp\":\"20", word);
    assert_memory_equal(exchange.body, start, strlen(start));
    assert_non_null(strstr(exchange.body, "Z\",\"service\":\"digitalism\"}"));
}

static void test_health(void **state)
{
    (void) state;
    check_health(false, false, false, 200, "healthy");
    check_health(false, false, true, 200, "degraded");
    check_health(true, false, false, 503, "draining");
    check_health(false, true, false, 503, "draining");
    check_health(true, true, true, 503, "draining");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_health)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
