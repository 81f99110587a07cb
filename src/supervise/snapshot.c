/* The scoreboard as one JSON object. Pure.
 * Not here: what is on the scoreboard (scoreboard.h), handing the object out (status.c). */
#include "supervise/snapshot.h"

#include <stdatomic.h>
#include <time.h>

#include "digitalism/json.h"

static const char *const etl_states[] = {
    [SCOREBOARD_ETL_NONE] = "none",
    [SCOREBOARD_ETL_RUNNING] = "running",
    [SCOREBOARD_ETL_DONE] = "done",
    [SCOREBOARD_ETL_FAILED] = "failed",
};

/* What one worker, or all of them, amount to. */
struct sums {
    uint64_t requests, in_flight, connections, restarts, rss_bytes, ready;
    uint64_t durations[SCOREBOARD_BUCKETS];
};

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)

static void write_integer(struct json_writer *json, const char *key, uint64_t number)
{
    json_key(json, key);
    json_integer(json, (int64_t) number);
}

static void write_boolean(struct json_writer *json, const char *key, bool is_true)
{
    json_key(json, key);
    json_boolean(json, is_true);
}

static void write_text(struct json_writer *json, const char *key, const char *text)
{
    json_key(json, key);
    json_string(json, text);
}

/* What is not known, or does not exist, is null rather than a number that means it. */
static void write_known(struct json_writer *json, const char *key, bool is_known, int64_t number)
{
    json_key(json, key);
    if (is_known) {
        json_integer(json, number);
    } else {
        json_null(json);
    }
}

static void write_sums(struct json_writer *json, const struct sums *sums)
{
    int64_t half_us = scoreboard_quantile_us(sums->durations, 0.5);
    int64_t most_us = scoreboard_quantile_us(sums->durations, 0.99);
    write_integer(json, "restarts", sums->restarts);
    write_integer(json, "requests", sums->requests);
    write_integer(json, "in_flight", sums->in_flight);
    write_integer(json, "connections", sums->connections);
    write_known(json, "p50_us", half_us > 0, half_us);
    write_known(json, "p99_us", most_us > 0, most_us);
    write_known(json, "rss_bytes", sums->rss_bytes > 0, (int64_t) sums->rss_bytes);
}

/* A worker that died left its last present state behind: it holds nothing any more. */
static struct sums sums_of(const struct scoreboard_slot *slot, const struct snapshot_view *view)
{
    int32_t pid = LOAD(slot->pid);
    struct sums sums = {.requests = LOAD(slot->requests),
                        .restarts = LOAD(slot->restarts),
                        .in_flight = pid == 0 ? 0 : LOAD(slot->in_flight),
                        .connections = pid == 0 ? 0 : LOAD(slot->connections),
                        .rss_bytes = pid == 0 ? 0 : view->rss_bytes(pid),
                        .ready = LOAD(slot->state) == SCOREBOARD_READY};
    for (size_t i = 0; i < SCOREBOARD_BUCKETS; i++) {
        sums.durations[i] = LOAD(slot->durations[i]);
    }
    return sums;
}

static void add(struct sums *total, const struct sums *more)
{
    total->requests += more->requests;
    total->in_flight += more->in_flight;
    total->connections += more->connections;
    total->restarts += more->restarts;
    total->rss_bytes += more->rss_bytes;
    total->ready += more->ready;
    for (size_t i = 0; i < SCOREBOARD_BUCKETS; i++) {
        total->durations[i] += more->durations[i];
    }
}

static void write_worker(struct json_writer *json, size_t index, const struct scoreboard_slot *slot,
                         const struct sums *sums, const struct snapshot_view *view)
{
    int32_t pid = LOAD(slot->pid);
    json_open_object(json);
    write_integer(json, "slot", index + 1);
    write_text(json, "state", scoreboard_state_name((enum scoreboard_state) LOAD(slot->state)));
    write_known(json, "pid", pid != 0, pid);
    write_known(json, "age_ms", pid != 0, view->now_ms - LOAD(slot->started_ms));
    write_text(json, "cause", slot->cause[0] == '\0' ? NULL : slot->cause);
    write_sums(json, sums);
    json_key(json, "database");
    if (pid == 0) {
        json_null(json);
    } else {
        json_boolean(json, LOAD(slot->database_connected));
    }
    json_close_object(json);
}

/* Slots that are wanted, and those beyond that still have a process. */
static bool is_shown(const struct scoreboard *scoreboard, size_t index)
{
    const struct scoreboard_slot *slot = &scoreboard->slots[index];
    return index < LOAD(scoreboard->slot_count) || LOAD(slot->pid) != 0 || LOAD(slot->state) != SCOREBOARD_STOPPED;
}

static void write_workers(struct json_writer *json, const struct scoreboard *scoreboard,
                          const struct snapshot_view *view)
{
    struct sums total = {.requests = 0};
    json_key(json, "workers");
    json_open_array(json);
    for (size_t i = 0; i < scoreboard->slot_max; i++) {
        /* Counted in any case: a slot that was given up has answered requests too. */
        struct sums sums = sums_of(&scoreboard->slots[i], view);
        add(&total, &sums);
        if (is_shown(scoreboard, i)) {
            write_worker(json, i, &scoreboard->slots[i], &sums, view);
        }
    }
    json_close_array(json);
    json_key(json, "totals");
    json_open_object(json);
    write_integer(json, "wanted", LOAD(scoreboard->slot_count));
    write_integer(json, "ready", total.ready);
    write_sums(json, &total);
    json_close_object(json);
}

static void write_finished(struct json_writer *json, time_t finished)
{
    char text[32] = "";
    struct tm utc;
    json_key(json, "finished");
    if (finished > 0 && gmtime_r(&finished, &utc) != NULL &&
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc) > 0) {
        json_string(json, text);
    } else {
        json_null(json);
    }
}

static void write_etl(struct json_writer *json, const struct scoreboard_etl *etl)
{
    int32_t state = atomic_load_explicit(&etl->state, memory_order_acquire);
    bool is_over = state == SCOREBOARD_ETL_DONE || state == SCOREBOARD_ETL_FAILED;
    json_key(json, "etl");
    json_open_object(json);
    write_text(json, "state", state >= 0 && state <= SCOREBOARD_ETL_FAILED ? etl_states[state] : "unknown");
    write_finished(json, is_over ? (time_t) LOAD(etl->finished_s) : 0);
    write_known(json, "duration_ms", is_over, LOAD(etl->duration_ms));
    write_integer(json, "read", LOAD(etl->read));
    write_integer(json, "inserted", LOAD(etl->inserted));
    write_integer(json, "updated", LOAD(etl->updated));
    write_integer(json, "unchanged", LOAD(etl->unchanged));
    write_integer(json, "duplicate", LOAD(etl->duplicate));
    write_integer(json, "rejected", LOAD(etl->rejected));
    json_close_object(json);
}

void snapshot_write(struct buffer *out, const struct scoreboard *scoreboard, const struct snapshot_view *view)
{
    struct json_writer json = json_writer_init(out);
    json_open_object(&json);
    write_text(&json, "version", DIGITALISM_VERSION);
    write_integer(&json, "pid", (uint64_t) scoreboard->supervisor_pid);
    write_text(&json, "url", scoreboard->url);
    write_integer(&json, "uptime_ms", (uint64_t) (view->now_ms - scoreboard->started_ms));
    write_boolean(&json, "draining", LOAD(scoreboard->draining));
    write_boolean(&json, "degraded", LOAD(scoreboard->degraded));
    write_workers(&json, scoreboard, view);
    write_etl(&json, &scoreboard->etl);
    json_close_object(&json);
}
