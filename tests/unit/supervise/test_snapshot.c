/* Goal: what `status` is told is what the scoreboard says, for every state, and never too long.
 * Not here: the socket (test_status.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/json.h"
#include "digitalism/supervise.h"
#include "supervise/snapshot.h"

static uint64_t no_rss(int32_t pid)
{
    (void) pid;
    return 0;
}

static uint64_t rss_by_pid(int32_t pid)
{
    return (uint64_t) pid * 1000;
}

struct fixture {
    struct scoreboard *scoreboard;
    struct json_value *parsed;
    struct buffer text;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct err err;
    fixture = (struct fixture){.parsed = NULL, .text = BUFFER_EMPTY};
    if (scoreboard_new(&fixture.scoreboard, SUPERVISE_WORKERS_MAX, &err) < 0) {
        return -1;
    }
    fixture.scoreboard->started_ms = 1000;
    fixture.scoreboard->supervisor_pid = 7;
    (void) snprintf(fixture.scoreboard->url, sizeof(fixture.scoreboard->url), "http://127.0.0.1:8000");
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    json_free(fixture->parsed);
    buffer_done(&fixture->text);
    scoreboard_free(fixture->scoreboard);
    return 0;
}

static const struct json_value *snapshot(struct fixture *fixture, uint64_t (*rss_bytes)(int32_t))
{
    const struct snapshot_view view = {.now_ms = 61000, .rss_bytes = rss_bytes};
    struct err err;
    snapshot_write(&fixture->text, fixture->scoreboard, &view);
    assert_int_equal(json_parse(&fixture->parsed, fixture->text.data, fixture->text.length, &err), 0);
    return fixture->parsed;
}

static int64_t integer(const struct json_value *object, const char *name)
{
    int64_t number = INT64_MIN;
    if (!json_member_integer(object, name, &number)) {
        fail_msg("%s is no integer", name);
    }
    return number;
}

static void assert_null_member(const struct json_value *object, const char *name)
{
    int64_t number;
    assert_non_null(json_member(object, name));
    assert_false(json_member_integer(object, name, &number));
    assert_null(json_member_text(object, name));
}

/* The form is what other programs read: a change of it must be meant. */
static void test_the_whole_object_before_anything_happened(void **state)
{
    struct fixture *fixture = *state;
    (void) snapshot(fixture, no_rss);
    assert_string_equal(buffer_text(&fixture->text),
                        "{\"version\":\"" DIGITALISM_VERSION
                        "\",\"pid\":7,\"url\":\"http://127.0.0.1:8000\",\"uptime_ms\":60000,"
                        "\"draining\":false,\"degraded\":false,\"workers\":[],"
                        "\"totals\":{\"wanted\":0,\"ready\":0,\"restarts\":0,\"requests\":0,\"in_flight\":0,"
                        "\"connections\":0,\"p50_us\":null,\"p99_us\":null,\"rss_bytes\":null},"
                        "\"etl\":{\"state\":\"none\",\"finished\":null,\"duration_ms\":null,\"read\":0,\"inserted\":0,"
                        "\"updated\":0,\"unchanged\":0,\"duplicate\":0,\"rejected\":0}}");
}

static void test_a_worker_that_serves(void **state)
{
    struct fixture *fixture = *state;
    struct scoreboard_slot *slot = &fixture->scoreboard->slots[0];
    fixture->scoreboard->slot_count = 1;
    slot->pid = 42;
    slot->state = SCOREBOARD_READY;
    slot->started_ms = 51000;
    slot->in_flight = 3;
    slot->connections = 5;
    slot->database_connected = true;
    for (int i = 0; i < 99; i++) {
        scoreboard_count(slot, 100);
    }
    scoreboard_count(slot, 5000);
    const struct json_value *worker = json_first(json_member(snapshot(fixture, rss_by_pid), "workers"));
    assert_int_equal(integer(worker, "slot"), 1);
    assert_string_equal(json_member_text(worker, "state"), "ready");
    assert_int_equal(integer(worker, "pid"), 42);
    assert_int_equal(integer(worker, "age_ms"), 10000);
    assert_null_member(worker, "cause");
    assert_int_equal(integer(worker, "restarts"), 0);
    assert_int_equal(integer(worker, "requests"), 100);
    assert_int_equal(integer(worker, "in_flight"), 3);
    assert_int_equal(integer(worker, "connections"), 5);
    assert_int_equal(integer(worker, "p50_us"), 128);
    assert_int_equal(integer(worker, "p99_us"), 128);
    assert_int_equal(integer(worker, "rss_bytes"), 42000);
    assert_true(json_member_true(worker, "database"));
    assert_null(json_next(worker));
}

/* What a dead worker held is held no more; what it has answered stays answered. */
static void test_a_worker_that_died(void **state)
{
    struct fixture *fixture = *state;
    struct scoreboard_slot *slot = &fixture->scoreboard->slots[0];
    fixture->scoreboard->slot_count = 1;
    slot->state = SCOREBOARD_BACKOFF;
    slot->restarts = 2;
    slot->in_flight = 3;
    slot->connections = 5;
    (void) snprintf(slot->cause, sizeof(slot->cause), "SIGKILL (signal 9)");
    scoreboard_count(slot, 100);
    const struct json_value *worker = json_first(json_member(snapshot(fixture, rss_by_pid), "workers"));
    assert_string_equal(json_member_text(worker, "state"), "backoff");
    assert_string_equal(json_member_text(worker, "cause"), "SIGKILL (signal 9)");
    assert_null_member(worker, "pid");
    assert_null_member(worker, "age_ms");
    assert_null_member(worker, "rss_bytes");
    assert_null_member(worker, "database");
    assert_int_equal(integer(worker, "restarts"), 2);
    assert_int_equal(integer(worker, "requests"), 1);
    assert_int_equal(integer(worker, "in_flight"), 0);
    assert_int_equal(integer(worker, "connections"), 0);
}

/* A slot that was given up disappears when its worker is gone, and its requests stay in the totals. */
static void test_slots_that_are_not_wanted(void **state)
{
    struct fixture *fixture = *state;
    struct scoreboard_slot *slots = fixture->scoreboard->slots;
    fixture->scoreboard->slot_count = 1;
    for (int32_t i = 0; i < 3; i++) {
        scoreboard_count(&slots[i], 100);
        slots[i].restarts = 1;
    }
    slots[0].pid = 40;
    slots[0].state = SCOREBOARD_READY;
    slots[2].pid = 42;
    slots[2].state = SCOREBOARD_DRAINING;
    const struct json_value *whole = snapshot(fixture, rss_by_pid);
    const struct json_value *first = json_first(json_member(whole, "workers"));
    assert_int_equal(integer(first, "slot"), 1);
    assert_int_equal(integer(json_next(first), "slot"), 3);
    assert_null(json_next(json_next(first)));
    const struct json_value *totals = json_member(whole, "totals");
    assert_int_equal(integer(totals, "wanted"), 1);
    assert_int_equal(integer(totals, "ready"), 1);
    assert_int_equal(integer(totals, "requests"), 3);
    assert_int_equal(integer(totals, "restarts"), 3);
    assert_int_equal(integer(totals, "rss_bytes"), 82000);
    assert_int_equal(integer(totals, "p99_us"), 128);
}

static void test_the_load(void **state)
{
    struct fixture *fixture = *state;
    struct scoreboard_etl *etl = &fixture->scoreboard->etl;
    etl->state = SCOREBOARD_ETL_FAILED;
    etl->finished_s = 1795348800;
    etl->duration_ms = 1234;
    etl->read = 6;
    etl->rejected = 5;
    const struct json_value *load = json_member(snapshot(fixture, no_rss), "etl");
    assert_string_equal(json_member_text(load, "state"), "failed");
    assert_string_equal(json_member_text(load, "finished"), "2026-11-22T12:00:00Z");
    assert_int_equal(integer(load, "duration_ms"), 1234);
    assert_int_equal(integer(load, "read"), 6);
    assert_int_equal(integer(load, "rejected"), 5);
}

static void test_a_load_that_runs_has_no_end(void **state)
{
    struct fixture *fixture = *state;
    fixture->scoreboard->etl.state = SCOREBOARD_ETL_RUNNING;
    const struct json_value *load = json_member(snapshot(fixture, no_rss), "etl");
    assert_string_equal(json_member_text(load, "state"), "running");
    assert_null_member(load, "finished");
    assert_null_member(load, "duration_ms");
}

static uint64_t most_rss(int32_t pid)
{
    (void) pid;
    return UINT64_MAX >> 10;
}

static void test_the_longest_object_keeps_its_limit(void **state)
{
    struct fixture *fixture = *state;
    fixture->scoreboard->slot_count = SUPERVISE_WORKERS_MAX;
    for (size_t i = 0; i < SUPERVISE_WORKERS_MAX; i++) {
        struct scoreboard_slot *slot = &fixture->scoreboard->slots[i];
        slot->state = SCOREBOARD_DRAINING;
        slot->pid = INT32_MAX;
        slot->started_ms = INT64_MIN / 4;
        slot->restarts = UINT32_MAX;
        slot->requests = INT64_MAX;
        slot->in_flight = UINT32_MAX;
        slot->connections = UINT32_MAX;
        slot->durations[SCOREBOARD_BUCKETS - 1] = 1;
        memset(slot->cause, '\x01', sizeof(slot->cause) - 1);
    }
    (void) snapshot(fixture, most_rss);
    assert_true(fixture->text.length > SNAPSHOT_BYTES_MAX / 4);
    assert_true(fixture->text.length <= SNAPSHOT_BYTES_MAX);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_the_whole_object_before_anything_happened),
        CASE(test_a_worker_that_serves),
        CASE(test_a_worker_that_died),
        CASE(test_slots_that_are_not_wanted),
        CASE(test_the_load),
        CASE(test_a_load_that_runs_has_no_end),
        CASE(test_the_longest_object_keeps_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
