/* One worker process: making it, moving it from state to state, signalling it.
 * Not here: which workers there are, and what their events lead to (workers). */
#ifndef SUPERVISE_WORKER_H
#define SUPERVISE_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "digitalism/base/error.h"
#include "digitalism/supervise.h"

struct worker {
    pid_t pid; /* 0: none */
    enum scoreboard_state state;
    int control_fd;      /* our end of the socket pair; -1: none */
    int64_t started_ms;  /* of its fork */
    int64_t ready_ms;    /* when it said ready, or was last forgiven being late */
    int64_t deadline_ms; /* of its state, else CLOCK_NEVER; heartbeats are apart */
    bool wanted;         /* its end would be unexpected */
    unsigned samples_over_memory;
};

void worker_init(struct worker *worker);

/* What goes over the fork. */
struct worker_start {
    const struct supervise_plan *plan;
    const char *role;
    struct supervise_worker worker; /* but for control_fd, which is made here */
};
int worker_fork(struct worker *worker, struct worker_start *start, struct err *err);

/* The only place where a state changes; logs old -> new and why. */
void worker_set_state(struct worker *worker, const char *role, enum scoreboard_state state, const char *reason);

void worker_signal(const struct worker *worker, int signal_number);

/* One byte to it (base/control.h). A full socket drops it: the worker has unread words of the same kind then. */
void worker_tell(const struct worker *worker, char word);

#endif
