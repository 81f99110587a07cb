/* PID 1: runs stages one after the other as children, then keeps a fixed number of workers alive, until told to stop.
 * It knows children, not what they do. It never blocks but in its one event wait, and holds no thread, no database and
 * no HTTP connection. */
#ifndef DIGITALISM_SUPERVISE_H
#define DIGITALISM_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/scoreboard.h"

/* A child that runs to its end before the next one starts. `run` returns the child's exit code; SIGTERM has its default
 * action until `run` takes it over. An exit code other than 0 ends the service with that code. */
struct supervise_stage {
    const char *name; /* the child's role in the log */
    int (*run)(void *context);
    int crash_exit_code; /* the service's exit code when the child dies by a signal that we did not send */
    bool optional;       /* its failure is a warning, and the service goes on; a stop is still obeyed */
};

/* What crosses the fork into a worker. */
struct supervise_worker {
    size_t index;          /* of its slot, from 0 */
    int listener_fd;       /* bound and listening, non-blocking; the worker's own */
    int control_fd;        /* see base/control.h */
    uint64_t requests_max; /* answered so many, it asks to be replaced; 0: no limit */
    struct scoreboard *scoreboard;
};

struct supervise_plan {
    struct scoreboard *scoreboard; /* with SUPERVISE_WORKERS_MAX slots; made by the owner before, freed by it after */
    const struct supervise_stage *stages;
    size_t stage_count;
    size_t worker_count; /* 0: no listeners, no workers: end after the stages */
    int (*worker_run)(void *context, const struct supervise_worker *worker);
    void *context;               /* handed to every stage and worker */
    const char *host;            /* address or name to listen on */
    uint16_t port;               /* 0: any free one */
    int64_t graceful_timeout_ms; /* from a worker's SIGTERM to its SIGKILL */
    int64_t drain_delay_ms;      /* from the first stop signal to SIGTERM; /health says 503 meanwhile */
    uint64_t requests_max;       /* a worker is replaced after about so many (± 10 %); 0: never */
    uint64_t memory_max_bytes;   /* a worker whose RSS is over it three times is replaced; 0: no limit */
    /* Reads the settings again and may change the fields above, from worker_count on, but for host and port. On failure
     * nothing has changed. NULL: there is nothing to reload, only the workers are replaced. */
    int (*reload)(void *context, struct supervise_plan *plan, struct err *err);
};

/* Runs the plan. `*exit_code` gets the service's exit code (the stage's own, 0 after a clean stop, 128+N for a stage
 * interrupted by signal N). -ERR_LISTEN or -ERR_INTERNAL with err filled when it could not go on. Call it once, with no
 * thread running; signals and child reaping belong to it until it returns. */
int supervise_run(struct supervise_plan *plan, int *exit_code, struct err *err);

/* Keeps signals pending from now on, for supervise_run() to read. A program that will be PID 1 calls it first of all:
 * the kernel drops what PID 1 has no handler for. */
void supervise_hold_signals(void);

/* The most workers that there can be, after SIGTTIN or a reload too. */
#define SUPERVISE_WORKERS_MAX 256

/* CPUs that this process may run on and that the quotas of its cgroups pay for, at least 1. */
size_t supervise_usable_cpus(void);

#endif
