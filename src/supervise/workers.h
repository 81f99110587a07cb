/* The worker slots: starting, readiness, restarts with backoff, stopping. One set_state() moves a slot.
 * Not here: signals, stages and the event wait (supervise). */
#ifndef SUPERVISE_WORKERS_H
#define SUPERVISE_WORKERS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/error.h"
#include "digitalism/supervise.h"
#include "supervise/listeners.h"
#include "supervise/policy.h"

struct worker {
    char role[32];
    pid_t pid; /* 0: none */
    enum scoreboard_state state;
    int control_fd;      /* our end of the socket pair; -1: none */
    int64_t deadline_ms; /* of the boot or of the backoff, else CLOCK_NEVER */
    int64_t started_ms;
    bool ever_ready;
    unsigned crashes; /* in a row, without POLICY_HEALTHY_MS of health between them */
    struct backoff backoff;
};

struct workers {
    const struct supervise_plan *plan;
    struct listeners *listeners;
    struct scoreboard *scoreboard;
    struct worker *slots;
    size_t count;
    struct policy_crashes crashes;
    bool stopping;
};

int workers_new(struct workers *out, const struct supervise_plan *plan, struct listeners *listeners,
                struct scoreboard *scoreboard, struct err *err);
void workers_done(struct workers *workers);

/* Forks every slot's first worker. */
void workers_start(struct workers *workers);

/* Tells that a child has gone. False when it is none of ours. When the service cannot go on (a worker that was never
 * ready, a crash loop), `failure` is filled: its code is ERR_LISTEN. */
bool workers_exited(struct workers *workers, pid_t pid, int wait_status, struct err *failure);

/* Fills one entry a slot, to be polled; negative descriptors are ignored by poll(2). */
void workers_poll_fds(const struct workers *workers, struct pollfd *fds);
void workers_polled(struct workers *workers, const struct pollfd *fds);

int64_t workers_deadline_ms(const struct workers *workers);
void workers_check_deadlines(struct workers *workers); /* forks after a backoff, kills a boot that hangs */

void workers_stop(struct workers *workers); /* SIGTERM to each; none is started any more */
void workers_kill(struct workers *workers); /* SIGKILL to what is left */
size_t workers_alive(const struct workers *workers);

#endif
