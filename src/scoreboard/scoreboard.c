/* Mapping the shared page and summing over it.
 * Not here: deciding anything from it. */
#include "digitalism/scoreboard.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

#include "digitalism/base/clock.h"

static const char *const state_names[] = {
    [SCOREBOARD_EMPTY] = "empty",       [SCOREBOARD_BOOTING] = "booting", [SCOREBOARD_READY] = "ready",
    [SCOREBOARD_DRAINING] = "draining", [SCOREBOARD_BACKOFF] = "backoff",
};
static_assert(sizeof(state_names) / sizeof(state_names[0]) == SCOREBOARD_STATE_COUNT, "every state has a name");

static size_t bytes_of(size_t slot_count)
{
    return sizeof(struct scoreboard) + slot_count * sizeof(struct scoreboard_slot);
}

int scoreboard_new(struct scoreboard **out, size_t slot_count, struct err *err)
{
    struct scoreboard *scoreboard =
        mmap(NULL, bytes_of(slot_count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (scoreboard == MAP_FAILED) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot map the scoreboard of %zu workers", slot_count);
    }
    scoreboard->slot_count = slot_count;
    scoreboard->started_ms = clock_now_ms();
    *out = scoreboard;
    return 0;
}

void scoreboard_free(struct scoreboard *scoreboard)
{
    if (scoreboard != NULL) {
        (void) munmap(scoreboard, bytes_of(scoreboard->slot_count));
    }
}

const char *scoreboard_state_name(enum scoreboard_state state)
{
    return (unsigned) state < SCOREBOARD_STATE_COUNT ? state_names[state] : "unknown";
}

uint64_t scoreboard_requests(const struct scoreboard *scoreboard)
{
    uint64_t requests = 0;
    for (size_t i = 0; i < scoreboard->slot_count; i++) {
        requests += atomic_load_explicit(&scoreboard->slots[i].requests, memory_order_relaxed);
    }
    return requests;
}
