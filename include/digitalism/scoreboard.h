/* The one page that supervisor and workers share: a slot for each worker. Each field has one writer; readers take what
 * they see. Not here: deciding anything from it (supervise), printing it (api). */
#ifndef DIGITALISM_SCOREBOARD_H
#define DIGITALISM_SCOREBOARD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "digitalism/base/error.h"

/* The life of a worker slot. Names in scoreboard_state_name(). */
enum scoreboard_state {
    SCOREBOARD_EMPTY,
    SCOREBOARD_BOOTING,
    SCOREBOARD_READY,
    SCOREBOARD_DRAINING,
    SCOREBOARD_BACKOFF,
    SCOREBOARD_STATE_COUNT
};

/* Written by the supervisor unless said otherwise. */
struct scoreboard_slot {
    _Atomic int32_t pid; /* 0: none */
    _Atomic int32_t state;
    _Atomic int64_t started_ms; /* monotonic */
    _Atomic uint32_t restarts;
    _Atomic uint64_t requests;  /* by the worker: answered since the service started, over all its lives */
    _Atomic uint32_t in_flight; /* by the worker */
};

struct scoreboard {
    size_t slot_count;
    int64_t started_ms;
    struct scoreboard_slot slots[];
};

/* Maps it (MAP_SHARED | MAP_ANONYMOUS); children inherit it by fork. */
int scoreboard_new(struct scoreboard **out, size_t slot_count, struct err *err);
void scoreboard_free(struct scoreboard *scoreboard);
const char *scoreboard_state_name(enum scoreboard_state state);
uint64_t scoreboard_requests(const struct scoreboard *scoreboard); /* of all slots */

#endif
