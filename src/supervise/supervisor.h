/* What the supervisor's own files share: its state, one turn of its loop, and the stages.
 * Not here: the worker slots (workers.h). */
#ifndef SUPERVISE_SUPERVISOR_H
#define SUPERVISE_SUPERVISOR_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "digitalism/supervise.h"
#include "supervise/listeners.h"
#include "supervise/workers.h"

struct supervisor {
    struct supervise_plan *plan;
    int signals_fd;
    int status_fd; /* -1: nobody can ask */
    struct pollfd *poll_fds;
    struct listeners listeners;
    struct workers workers;
    size_t started_workers;    /* as the settings had it, when they were last read */
    bool serving;              /* the stages are done */
    bool stopping;             /* SIGTERM was sent to what is left */
    bool told_ready;           /* to the service manager */
    bool reload_again;         /* asked for while a reload was under way */
    int stop_signal;           /* the first one that asked us to stop; 0: none */
    int64_t stop_at_ms;        /* when DRAIN_DELAY is over; CLOCK_NEVER: it does not run */
    pid_t stage_pid;           /* of the stage that runs; 0: none */
    int stage_status;          /* of the one that ended last, as wait(2) gives it */
    int64_t stage_deadline_ms; /* when a stage that was asked to stop is killed */
};

/* Sleeps until a signal, a worker's word or a deadline, and handles what came. */
int supervisor_turn(struct supervisor *supervisor, struct err *err);

/* Runs all stages. `exit_code` is 0 when all were done, else what the service has to end with. */
int stages_run(struct supervisor *supervisor, int *exit_code, struct err *err);

/* For the loop: a reaped child (false when it is no stage), a stop, a kill, the stage's limit. */
bool stages_exited(struct supervisor *supervisor, pid_t pid, int wait_status);
void stages_stop(struct supervisor *supervisor);
void stages_kill(struct supervisor *supervisor);
void stages_check(struct supervisor *supervisor);

#endif
