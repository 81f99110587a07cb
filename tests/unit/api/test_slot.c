/* Goal: a worker tells of itself when it should, never for another one, and asks once to be replaced.
 * Not here: what the supervisor makes of it (tests/integration/test_workers.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <unistd.h>

#include <cmocka.h>

#include "api/worker.h"
#include "digitalism/base/clock.h"

/* In the place of the server: one timer, and numbers that a test sets. */
struct http_timer {
    void (*callback)(void *argument);
    void *argument;
    int64_t delay_ms;
    unsigned starts;
};
struct http_server {
    struct http_timer timer;
    size_t in_flight;
    size_t connections;
};

int http_timer_new(struct http_timer **out, struct http_server *server, void (*callback)(void *argument),
                   void *argument, struct err *err)
{
    (void) err;
    server->timer = (struct http_timer){.callback = callback, .argument = argument};
    *out = &server->timer;
    return 0;
}

void http_timer_start(struct http_timer *timer, int64_t delay_ms)
{
    timer->delay_ms = delay_ms;
    timer->starts += 1;
}

void http_timer_free(struct http_timer *timer)
{
    (void) timer;
}

size_t http_server_in_flight(const struct http_server *server)
{
    return server->in_flight;
}

size_t http_server_connections(const struct http_server *server)
{
    return server->connections;
}

struct fixture {
    struct http_server server;
    struct scoreboard_slot slot;
    struct api_options options;
    struct api_worker worker;
    unsigned recycles;
};
static struct fixture fixture;

void api_control_recycle(const struct api_worker *worker)
{
    assert_ptr_equal(worker, &fixture.worker);
    fixture.recycles += 1;
}

static int set_up(void **state)
{
    struct err err;
    (void) state;
    fixture = (struct fixture){.server = {.in_flight = 0}};
    fixture.options.slot = &fixture.slot;
    fixture.worker.options = &fixture.options;
    fixture.worker.server = &fixture.server;
    return api_slot_open(&fixture.worker, &err);
}

static void test_the_heart_beats_from_ready_to_drain(void **state)
{
    (void) state;
    struct http_timer *timer = &fixture.server.timer;
    assert_int_equal(fixture.slot.heartbeat_ms, 0);
    assert_int_equal(timer->starts, 0);
    int64_t before_ms = clock_now_ms();
    api_slot_ready(&fixture.worker);
    assert_true(fixture.slot.heartbeat_ms >= before_ms);
    assert_int_equal(timer->delay_ms, 1000);
    fixture.slot.heartbeat_ms = 0;
    timer->callback(timer->argument);
    assert_true(fixture.slot.heartbeat_ms >= before_ms);
    assert_int_equal(timer->starts, 2);
    fixture.slot.heartbeat_ms = 0;
    fixture.worker.draining = true;
    timer->callback(timer->argument);
    assert_int_equal(fixture.slot.heartbeat_ms, 0);
    assert_int_equal(timer->starts, 2);
}

static void tell_turn(void)
{
    fixture.server.in_flight = 3;
    fixture.server.connections = 5;
    fixture.worker.database.was_connected = true;
    api_slot_turn(&fixture.worker);
}

static void test_the_slots_worker_tells_what_it_holds(void **state)
{
    (void) state;
    fixture.slot.pid = getpid();
    tell_turn();
    assert_int_equal(fixture.slot.in_flight, 3);
    assert_int_equal(fixture.slot.connections, 5);
    assert_true(fixture.slot.database_connected);
    /* Also while it drains, as long as the slot is its own. */
    fixture.worker.draining = true;
    fixture.server.connections = 0;
    api_slot_turn(&fixture.worker);
    assert_int_equal(fixture.slot.connections, 0);
}

/* The supervisor may not have come to write our pid yet. */
static void test_a_slot_without_a_pid_is_told_to(void **state)
{
    (void) state;
    tell_turn();
    assert_int_equal(fixture.slot.connections, 5);
}

static void test_a_successors_numbers_are_left_alone(void **state)
{
    (void) state;
    fixture.slot.pid = getpid() + 1;
    fixture.slot.in_flight = 70;
    fixture.slot.connections = 80;
    tell_turn();
    assert_int_equal(fixture.slot.in_flight, 70);
    assert_int_equal(fixture.slot.connections, 80);
    assert_false(fixture.slot.database_connected);
    /* What it answers still counts. */
    api_slot_count(&fixture.worker, 100);
    assert_int_equal(fixture.slot.requests, 1);
}

static void test_enough_requests_are_said_once(void **state)
{
    (void) state;
    fixture.options.requests_max = 3;
    fixture.slot.requests = 1000; /* by its predecessors */
    for (unsigned i = 1; i <= 10; i++) {
        api_slot_count(&fixture.worker, 100);
        assert_int_equal(fixture.recycles, i >= 3);
    }
    assert_int_equal(fixture.slot.requests, 1010);
    assert_int_equal(fixture.slot.durations[7], 10);
}

static void test_no_limit_of_requests(void **state)
{
    (void) state;
    for (unsigned i = 1; i <= 1000; i++) {
        api_slot_count(&fixture.worker, 100);
    }
    assert_int_equal(fixture.recycles, 0);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, set_up)
    const struct CMUnitTest tests[] = {
        CASE(test_the_heart_beats_from_ready_to_drain), CASE(test_the_slots_worker_tells_what_it_holds),
        CASE(test_a_slot_without_a_pid_is_told_to),     CASE(test_a_successors_numbers_are_left_alone),
        CASE(test_enough_requests_are_said_once),       CASE(test_no_limit_of_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
