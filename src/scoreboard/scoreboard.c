/* Mapping the shared page and summing over it.
 * Not here: deciding anything from it. */
#include "digitalism/scoreboard.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

#include "digitalism/base/clock.h"

static const char *const state_names[] = {
    [SCOREBOARD_STOPPED] = "stopped", [SCOREBOARD_STARTING] = "starting", [SCOREBOARD_BOOTING] = "booting",
    [SCOREBOARD_READY] = "ready",     [SCOREBOARD_DRAINING] = "draining", [SCOREBOARD_KILLED] = "killed",
    [SCOREBOARD_BACKOFF] = "backoff",
};
static_assert(sizeof(state_names) / sizeof(state_names[0]) == SCOREBOARD_STATE_COUNT, "every state has a name");

static size_t bytes_of(size_t slot_max)
{
    return sizeof(struct scoreboard) + slot_max * sizeof(struct scoreboard_slot);
}

int scoreboard_new(struct scoreboard **out, size_t slot_max, struct err *err)
{
    struct scoreboard *scoreboard =
        mmap(NULL, bytes_of(slot_max), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (scoreboard == MAP_FAILED) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot map the scoreboard of %zu workers", slot_max);
    }
    scoreboard->slot_max = slot_max;
    scoreboard->started_ms = clock_now_ms();
    *out = scoreboard;
    return 0;
}

void scoreboard_free(struct scoreboard *scoreboard)
{
    if (scoreboard != NULL) {
        (void) munmap(scoreboard, bytes_of(scoreboard->slot_max));
    }
}

const char *scoreboard_state_name(enum scoreboard_state state)
{
    return (unsigned) state < SCOREBOARD_STATE_COUNT ? state_names[state] : "unknown";
}

uint64_t scoreboard_requests(const struct scoreboard *scoreboard)
{
    uint64_t requests = 0;
    for (size_t i = 0; i < scoreboard->slot_max; i++) {
        requests += atomic_load_explicit(&scoreboard->slots[i].requests, memory_order_relaxed);
    }
    return requests;
}

void scoreboard_count(struct scoreboard_slot *slot, int64_t duration_us)
{
    size_t bucket = 0;
    while (bucket + 1 < SCOREBOARD_BUCKETS && duration_us >= (int64_t) 1 << bucket) {
        bucket += 1;
    }
    atomic_fetch_add_explicit(&slot->durations[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&slot->requests, 1, memory_order_relaxed);
}

int64_t scoreboard_quantile_us(const uint64_t durations[static SCOREBOARD_BUCKETS], double share)
{
    uint64_t total = 0;
    for (size_t i = 0; i < SCOREBOARD_BUCKETS; i++) {
        total += durations[i];
    }
    uint64_t seen = 0;
    for (size_t i = 0; i < SCOREBOARD_BUCKETS; i++) {
        seen += durations[i];
        if (total > 0 && (double) seen >= share * (double) total) {
            return (int64_t) 1 << i;
        }
    }
    return 0;
}
