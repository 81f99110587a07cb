/* What the supervisor decides, without doing it: pure functions and tables over plain values.
 * Not here: processes, signals, clocks. */
#ifndef SUPERVISE_POLICY_H
#define SUPERVISE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/scoreboard.h"

#define POLICY_CRASHES_MAX       5 /* so many in the window end the service */
#define POLICY_CRASH_WINDOW_MS   60000
#define POLICY_HEALTHY_MS        60000 /* a worker that lived so long has its backoff forgotten */
#define POLICY_BACKOFF_FIRST_MS  100
#define POLICY_BACKOFF_MAX_MS    5000
#define POLICY_BOOT_LIMIT_MS     30000 /* from fork to the ready byte; then SIGABRT */
#define POLICY_ABORT_LIMIT_MS    2000  /* from SIGABRT to SIGKILL */
#define POLICY_HANG_LIMIT_MS     15000 /* from the last heartbeat to SIGKILL */
#define POLICY_SUSPECT_MS        3000  /* without a heartbeat for so long, it gets no new connections */
#define POLICY_SUSPECT_PERIOD_MS 1000  /* between two looks at a suspect */
#define POLICY_LATE_MS           1000  /* woken so much too late, we were stopped ourselves: nobody else is to blame */
#define POLICY_MEMORY_PERIOD_MS  2000  /* between two looks at the workers' memory */
#define POLICY_MEMORY_SAMPLES    3     /* over the limit in a row */
#define POLICY_REPLACE_RETRY_MS  5000  /* behind a replacement that failed */

/* What a signal to the supervisor means. */
enum policy_signal {
    POLICY_SIGNAL_UNKNOWN, /* logged */
    POLICY_SIGNAL_NOTHING, /* expected and without meaning (SIGCONT, SIGWINCH …) */
    POLICY_SIGNAL_REAP,    /* children may have exited */
    POLICY_SIGNAL_STOP,    /* graceful */
    POLICY_SIGNAL_KILL,    /* kill what is left at once */
    POLICY_SIGNAL_RELOAD,
    POLICY_SIGNAL_REOPEN_LOG,
    POLICY_SIGNAL_MORE, /* one more worker */
    POLICY_SIGNAL_FEWER
};
enum policy_signal policy_signal(int signal_number, bool stopping);

/* What can happen to a worker process. */
enum policy_event {
    POLICY_START,  /* it is wanted, or its delay is over */
    POLICY_FORKED, /* fork(2) succeeded */
    POLICY_UNFORKED,
    POLICY_READY,       /* it said so */
    POLICY_EXIT,        /* it was reaped */
    POLICY_LATE,        /* its state's time limit has passed: boot, heartbeat, drain, abort */
    POLICY_OVER_MEMORY, /* in POLICY_MEMORY_SAMPLES samples */
    POLICY_SERVED,      /* it has answered as many requests as it shall */
    POLICY_RELOAD,
    POLICY_STOP, /* it is not wanted any more: stop, fewer workers, or replaced */
    POLICY_KILL, /* patience is over */
    POLICY_EVENT_COUNT
};

/* What is then to be done. */
enum policy_work {
    POLICY_WORK_NONE,
    POLICY_WORK_FORK,
    POLICY_WORK_BOOT,    /* watch the boot limit */
    POLICY_WORK_RETRY,   /* fork again after a delay */
    POLICY_WORK_WELCOME, /* it serves; whom it replaces may go */
    POLICY_WORK_REPLACE, /* have a successor started in its turn */
    POLICY_WORK_TERM,
    POLICY_WORK_ABORT,
    POLICY_WORK_KILL,
    POLICY_WORK_ENDED, /* unexpectedly */
    POLICY_WORK_GONE,  /* as it was asked to */
    POLICY_WORK_COUNT
};

struct policy_step {
    enum scoreboard_state next;
    enum policy_work work;
};

/* The whole state × event table; what it does not list changes nothing. Drawn in docs/supervision.md. */
struct policy_step policy_step(enum scoreboard_state state, enum policy_event event);
const char *policy_event_name(enum policy_event event);

/* The latest crashes of the service, oldest first. Starts zeroed. */
struct policy_crashes {
    int64_t times_ms[POLICY_CRASHES_MAX];
    size_t count;
};

/* Notes a crash. True when POLICY_CRASHES_MAX lie within POLICY_CRASH_WINDOW_MS. */
bool policy_crash_loop(struct policy_crashes *crashes, int64_t now_ms);

/* Counts one look at a worker's memory. True when the limit was passed POLICY_MEMORY_SAMPLES times in a row; the count
 * then starts anew. */
bool policy_over_memory(unsigned *samples_over, uint64_t rss_bytes, uint64_t max_bytes);

/* A worker's own request limit: max ± 10 %, as `random` says; 0 stays 0. */
uint64_t policy_requests_max(uint64_t max, uint32_t random);

/* The exit code of the service after a stage ended with the given wait(2) status.
 * `stop_signal` is 0, or the signal that asked the service to stop while the stage ran. */
int policy_stage_exit_code(int wait_status, int stop_signal, int crash_exit_code);

#endif
