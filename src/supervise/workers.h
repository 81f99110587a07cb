/* The worker slots: which process serves each, who replaces whom, how many there are.
 * Not here: signals, stages and the event wait (supervise), one process's mechanics (worker). */
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
#include "supervise/worker.h"

/* The processes of a slot. A worker and its successor share the slot's listener for the moment of the change. */
enum place {
    PLACE_PRESENT, /* serves, or will */
    PLACE_NEXT,    /* boots to take the present one's place */
    PLACE_LEAVING, /* has been replaced, and drains */
    PLACE_COUNT
};

struct slot {
    char role[32];
    struct worker workers[PLACE_COUNT];
    bool ever_ready;
    unsigned crashes; /* in a row, without POLICY_HEALTHY_MS of health between them */
    struct backoff backoff;
    bool suspect; /* its present worker has not shown life for POLICY_SUSPECT_MS */
    bool replace_wanted;
    bool replace_for_reload;
};

struct workers {
    struct supervise_plan *plan;
    struct listeners *listeners;
    struct scoreboard *scoreboard;
    struct slot *slots; /* SUPERVISE_WORKERS_MAX of them */
    size_t count;       /* in use: those that are wanted, then those that are on their way out */
    size_t wanted;
    struct policy_crashes crashes;
    bool was_ready; /* all that were wanted were ready at some time */
    bool stopping;
    bool reloading;      /* some slots still wait for a replacement that a reload asked for */
    bool steering_stale; /* who can take connections may have changed */
    int64_t replace_not_before_ms;
    int64_t memory_sample_ms; /* when the memory is looked at next; CLOCK_NEVER: there is no limit */
    struct err failure;       /* why the service cannot go on; its code is ERR_NONE while it can */
};

int workers_new(struct workers *out, struct supervise_plan *plan, struct listeners *listeners, struct err *err);
void workers_done(struct workers *workers);

/* Forks each slot's first worker. */
void workers_start(struct workers *workers);

/* Tells that a child was reaped. False when it is none of ours. */
bool workers_exited(struct workers *workers, pid_t pid, int wait_status);

/* The control sockets to be polled: WORKERS_POLL_MAX entries at most, their number is returned. Hand the same array to
 * workers_polled() afterwards, with nothing in between. */
#define WORKERS_POLL_MAX (PLACE_COUNT * SUPERVISE_WORKERS_MAX)
size_t workers_poll_fds(const struct workers *workers, struct pollfd *fds);
void workers_polled(struct workers *workers, const struct pollfd *fds, size_t count);

/* When workers_check() has to be called at the latest. */
int64_t workers_deadline_ms(const struct workers *workers);

/* Looks for what is due: delays, limits, heartbeats, memory, replacements, steering. Once a turn. */
void workers_check(struct workers *workers);

/* We were stopped ourselves for so long: nobody is late because of it. */
void workers_forgive(struct workers *workers, int64_t late_ms);

void workers_reload(struct workers *workers);               /* replaces all of them, one after the other */
void workers_scale(struct workers *workers, size_t wanted); /* 1 … SUPERVISE_WORKERS_MAX */
void workers_tell(struct workers *workers, char word);      /* to all (base/control.h) */

void workers_stop(struct workers *workers); /* SIGTERM to each; none is started any more */
void workers_kill(struct workers *workers); /* SIGKILL to what is left */
size_t workers_alive(const struct workers *workers);
size_t workers_ready(const struct workers *workers);

/* For the files of this part: an event of one worker, through the state × event table. */
void workers_event(struct workers *workers, struct slot *slot, enum place place, enum policy_event event,
                   const char *reason);

/* The parts of workers_check() that are about heartbeats (heartbeat.c): when to look at a slot's next, and the look. A
 * worker that is late is spared new clients first, and killed when it is late enough for a hang. */
int64_t workers_heartbeat_deadline_ms(const struct workers *workers, const struct slot *slot);
void workers_check_heartbeat(struct workers *workers, struct slot *slot, int64_t now_ms);

/* The parts of workers_check() that are about who replaces whom, and how many there are (rolling.c). */
void workers_replace_next(struct workers *workers);
void workers_replacement_failed(struct workers *workers, struct slot *slot, const char *cause);
void workers_remove_idle(struct workers *workers);
void workers_steer(struct workers *workers);

#endif
