/* What a worker shows of itself on the scoreboard: its heartbeat, its answers, and what it holds.
 * Not here: what the supervisor makes of it (supervise), talking to it (control.c). */
#include <stdatomic.h>
#include <unistd.h>

#include "api/worker.h"
#include "digitalism/base/clock.h"

enum { HEARTBEAT_MS = 1000 };

/* While workers are exchanged two of them share a slot. Its counters are for both, its present state is told only by
 * the one that the supervisor has named. */
static bool owns_slot(const struct api_worker *worker)
{
    int32_t pid = atomic_load_explicit(&worker->options->slot->pid, memory_order_relaxed);
    return pid == 0 || pid == (int32_t) worker->pid;
}

static void beat(struct api_worker *worker)
{
    atomic_store_explicit(&worker->options->slot->heartbeat_ms, clock_now_ms(), memory_order_relaxed);
    http_timer_start(worker->heartbeat_timer, HEARTBEAT_MS);
}

/* A draining worker has a deadline of its own, and must not lend its life to a successor that hangs. */
static void heartbeat_due(void *argument)
{
    struct api_worker *worker = argument;
    if (!worker->draining) {
        beat(worker);
    }
}

int api_slot_open(struct api_worker *worker, struct err *err)
{
    worker->pid = getpid();
    return http_timer_new(&worker->heartbeat_timer, worker->server, heartbeat_due, worker, err);
}

void api_slot_close(struct api_worker *worker)
{
    http_timer_free(worker->heartbeat_timer);
    worker->heartbeat_timer = NULL;
}

void api_slot_ready(struct api_worker *worker)
{
    beat(worker);
}

void api_slot_turn(struct api_worker *worker)
{
    struct scoreboard_slot *slot = worker->options->slot;
    if (!owns_slot(worker)) {
        return;
    }
    atomic_store_explicit(&slot->in_flight, (uint32_t) http_server_in_flight(worker->server), memory_order_relaxed);
    atomic_store_explicit(&slot->connections, (uint32_t) http_server_connections(worker->server), memory_order_relaxed);
    atomic_store_explicit(&slot->database_connected, worker->database.was_connected, memory_order_relaxed);
}

void api_slot_count(struct api_worker *worker, int64_t duration_us)
{
    scoreboard_count(worker->options->slot, duration_us);
    worker->answered += 1;
    if (worker->options->requests_max != 0 && worker->answered == worker->options->requests_max) {
        api_control_recycle(worker);
    }
}
