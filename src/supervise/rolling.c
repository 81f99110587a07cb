/* Replacing workers one after the other, having more or fewer of them, and where new connections go meanwhile.
 * Not here: a worker's own life (workers.c). */
#include <stdlib.h>

#include "digitalism/base/log.h"
#include "supervise/workers.h"

static bool is_stopped(const struct slot *slot, enum place place)
{
    return slot->workers[place].state == SCOREBOARD_STOPPED;
}

static void end_reload(struct workers *workers, bool is_complete)
{
    workers->reloading = false;
    for (size_t i = 0; i < workers->count; i++) {
        struct slot *slot = &workers->slots[i];
        slot->replace_wanted = slot->replace_wanted && !slot->replace_for_reload;
        slot->replace_for_reload = false;
    }
    if (is_complete) {
        log_info("reload: all workers are replaced");
    }
}

/* The old worker stays. A reload is given up as a whole: the next worker would fail as this one did. */
void workers_replacement_failed(struct workers *workers, struct slot *slot, const char *cause)
{
    log_error("the replacement of %s failed: %s; the old one stays", slot->role, cause);
    worker_set_state(&slot->workers[PLACE_NEXT], slot->role, SCOREBOARD_STOPPED, cause);
    if (workers->reloading) {
        log_error("reload: given up, the workers that are left stay as they are");
        end_reload(workers, false);
    }
    workers->replace_not_before_ms = clock_now_ms() + POLICY_REPLACE_RETRY_MS;
}

/* A slot whose worker has to be replaced, and can be now. Slots that got a new worker meanwhile need nothing more. */
static struct slot *next_to_replace(struct workers *workers, bool *some_left)
{
    *some_left = false;
    for (size_t i = 0; i < workers->wanted; i++) {
        struct slot *slot = &workers->slots[i];
        enum scoreboard_state state = slot->workers[PLACE_PRESENT].state;
        if (slot->replace_wanted && state != SCOREBOARD_READY && state != SCOREBOARD_BOOTING) {
            slot->replace_wanted = false;
        }
        if (!slot->replace_wanted) {
            continue;
        }
        *some_left = true;
        if (state == SCOREBOARD_READY && is_stopped(slot, PLACE_LEAVING)) {
            return slot;
        }
    }
    return NULL;
}

void workers_replace_next(struct workers *workers)
{
    if (workers->stopping || workers->replace_not_before_ms > clock_now_ms()) {
        return;
    }
    for (size_t i = 0; i < workers->count; i++) {
        if (!is_stopped(&workers->slots[i], PLACE_NEXT)) {
            return; /* one at a time */
        }
    }
    bool some_left = false;
    struct slot *slot = next_to_replace(workers, &some_left);
    if (slot != NULL) {
        slot->replace_wanted = false;
        slot->replace_for_reload = false;
        workers_event(workers, slot, PLACE_NEXT, POLICY_START, "to replace the present one");
    } else if (workers->reloading && !some_left) {
        end_reload(workers, true);
    }
}

void workers_reload(struct workers *workers)
{
    workers->reloading = true;
    workers->replace_not_before_ms = 0;
    for (size_t i = 0; i < workers->wanted; i++) {
        struct slot *slot = &workers->slots[i];
        slot->replace_for_reload = true;
        workers_event(workers, slot, PLACE_PRESENT, POLICY_RELOAD, "reload");
        /* A successor that boots already has the settings from before. */
        workers_event(workers, slot, PLACE_NEXT, POLICY_STOP, "a newer one is to come");
    }
}

/* One more. A slot that is on its way out is taken back, with a fresh worker beside the one that leaves. */
static void grow(struct workers *workers)
{
    struct err err;
    if (workers->wanted == workers->count) {
        if (listeners_add(workers->listeners, &err) < 0) {
            log_err(LOG_LEVEL_WARN, &err);
            return;
        }
        workers->count += 1;
    }
    struct slot *slot = &workers->slots[workers->wanted];
    if (slot->workers[PLACE_PRESENT].pid != 0) {
        if (!is_stopped(slot, PLACE_LEAVING)) {
            log_warn("%s has two processes that leave: it cannot be taken back yet, continuing", slot->role);
            return;
        }
        slot->workers[PLACE_LEAVING] = slot->workers[PLACE_PRESENT];
        worker_init(&slot->workers[PLACE_PRESENT]);
    }
    workers->wanted += 1;
    workers_event(workers, slot, PLACE_PRESENT, POLICY_START, "one more is wanted");
}

static void shrink(struct workers *workers)
{
    workers->wanted -= 1;
    struct slot *slot = &workers->slots[workers->wanted];
    slot->replace_wanted = false;
    /* New connections go elsewhere before the worker drains its queue for the last time. */
    workers->steering_stale = true;
    workers_steer(workers);
    workers_event(workers, slot, PLACE_NEXT, POLICY_STOP, "one fewer is wanted");
    workers_event(workers, slot, PLACE_PRESENT, POLICY_STOP, "one fewer is wanted");
}

void workers_scale(struct workers *workers, size_t wanted)
{
    size_t before = workers->wanted;
    while (!workers->stopping && workers->wanted > wanted && workers->wanted > 1) {
        shrink(workers);
    }
    for (size_t tries = wanted > workers->wanted ? wanted - workers->wanted : 0;
         !workers->stopping && tries > 0 && workers->wanted < SUPERVISE_WORKERS_MAX; tries--) {
        grow(workers);
    }
    atomic_store_explicit(&workers->scoreboard->slot_count, (uint32_t) workers->wanted, memory_order_relaxed);
    if (workers->wanted != before) {
        log_info("%zu worker%s wanted now, %zu before", workers->wanted, workers->wanted == 1 ? " is" : "s are",
                 before);
    }
}

/* Slots that are not wanted, and whose processes have all gone, give their listeners back, the last one first. */
void workers_remove_idle(struct workers *workers)
{
    while (workers->count > workers->wanted && !workers->stopping) {
        struct slot *slot = &workers->slots[workers->count - 1];
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            if (!is_stopped(slot, (enum place) place)) {
                return;
            }
        }
        slot->ever_ready = false;
        slot->crashes = 0;
        backoff_reset(&slot->backoff);
        listeners_remove(workers->listeners);
        workers->count -= 1;
        workers->steering_stale = true;
    }
}

/* Marks the slots that can take connections; returns how many. */
static size_t mark(const struct workers *workers, bool *marked, bool without_suspects)
{
    size_t count = 0;
    for (size_t i = 0; i < workers->wanted; i++) {
        const struct slot *slot = &workers->slots[i];
        marked[i] = slot->workers[PLACE_PRESENT].state == SCOREBOARD_READY && !(without_suspects && slot->suspect);
        count += marked[i];
    }
    return count;
}

void workers_steer(struct workers *workers)
{
    if (!workers->steering_stale || workers->stopping) {
        return;
    }
    workers->steering_stale = false;
    bool marked[SUPERVISE_WORKERS_MAX] = {false};
    if (mark(workers, marked, true) == 0 && mark(workers, marked, false) == 0) {
        /* While nobody serves yet, each queue gets its share. */
        for (size_t i = 0; i < workers->wanted; i++) {
            marked[i] = true;
        }
    }
    if (workers->was_ready || workers->count > workers->wanted) {
        listeners_steer(workers->listeners, marked);
    }
    bool is_degraded = workers->was_ready && workers_ready(workers) < workers->wanted;
    atomic_store_explicit(&workers->scoreboard->degraded, is_degraded, memory_order_relaxed);
}
