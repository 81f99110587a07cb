/* The one page that supervisor, stages and workers share: a slot for each worker, and a few facts of the whole service.
 * Each field has one writer at a time; readers take what they see. Not here: deciding anything from it (supervise),
 * printing it (api, supervise/status). */
#ifndef DIGITALISM_SCOREBOARD_H
#define DIGITALISM_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "digitalism/base/error.h"

/* The life of a worker. Names in scoreboard_state_name(). */
enum scoreboard_state {
    SCOREBOARD_STOPPED,  /* no process, none wanted */
    SCOREBOARD_STARTING, /* about to be forked */
    SCOREBOARD_BOOTING,  /* forked, not ready yet */
    SCOREBOARD_READY,
    SCOREBOARD_DRAINING, /* asked to end, answers what it has */
    SCOREBOARD_KILLED,   /* sent SIGABRT or SIGKILL, not reaped yet */
    SCOREBOARD_BACKOFF,  /* no process; one is forked when the delay is over */
    SCOREBOARD_STATE_COUNT
};
const char *scoreboard_state_name(enum scoreboard_state state);

/* Request durations: bucket i counts those of less than 2^i microseconds; the last one counts the rest. */
#define SCOREBOARD_BUCKETS    26
#define SCOREBOARD_CAUSE_SIZE 48

struct scoreboard_slot {
    /* Written by the supervisor. */
    _Atomic int32_t pid; /* of the slot's present worker; 0: none */
    _Atomic int32_t state;
    _Atomic int64_t started_ms; /* monotonic, of the present worker's fork */
    _Atomic uint32_t restarts;
    char cause[SCOREBOARD_CAUSE_SIZE]; /* how the last worker that ended unexpectedly did, else "" */

    /* Written by the slot's worker; counters go on over its successors, so they are added to atomically. */
    _Atomic int64_t heartbeat_ms; /* monotonic; stamped by its event loop while it is ready */
    _Atomic uint64_t requests;    /* answered */
    _Atomic uint32_t in_flight;
    _Atomic uint32_t connections;
    _Atomic bool database_connected;
    _Atomic uint64_t durations[SCOREBOARD_BUCKETS];
};

enum scoreboard_etl_state { SCOREBOARD_ETL_NONE, SCOREBOARD_ETL_RUNNING, SCOREBOARD_ETL_DONE, SCOREBOARD_ETL_FAILED };

/* The load of this start, if there was one; written by the ETL stage. */
struct scoreboard_etl {
    _Atomic int32_t state;      /* enum scoreboard_etl_state */
    _Atomic int64_t finished_s; /* Unix time */
    _Atomic int64_t duration_ms;
    _Atomic uint64_t read, inserted, updated, unchanged, duplicate, rejected;
};

struct scoreboard {
    size_t slot_max;    /* slots mapped */
    int64_t started_ms; /* monotonic, of the supervisor */
    int32_t supervisor_pid;
    char url[128];               /* where the service listens; written before any worker is forked */
    _Atomic uint32_t slot_count; /* slots in use: the workers that are wanted */
    _Atomic bool draining;       /* a stop was asked for: /health says 503 from now on */
    _Atomic bool degraded;       /* fewer workers are ready than are wanted */
    struct scoreboard_etl etl;
    struct scoreboard_slot slots[];
};

/* Maps it (MAP_SHARED | MAP_ANONYMOUS), zeroed; children inherit it by fork. */
int scoreboard_new(struct scoreboard **out, size_t slot_max, struct err *err);
void scoreboard_free(struct scoreboard *scoreboard);

uint64_t scoreboard_requests(const struct scoreboard *scoreboard); /* of all slots, those no longer in use included */

/* By a worker, for each answered request. */
void scoreboard_count(struct scoreboard_slot *slot, int64_t duration_us);

/* An upper bound in microseconds for the given share (0 … 1) of the durations; 0 when nothing was counted. */
int64_t scoreboard_quantile_us(const uint64_t durations[static SCOREBOARD_BUCKETS], double share);

#endif
