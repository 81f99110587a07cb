/* What the supervisor decides, without doing it: pure functions over plain values.
 * Not here: processes, signals, clocks. */
#ifndef SUPERVISE_POLICY_H
#define SUPERVISE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_CRASHES_MAX      5 /* so many in the window end the service */
#define POLICY_CRASH_WINDOW_MS  60000
#define POLICY_HEALTHY_MS       60000 /* a worker that lived so long has its backoff forgotten */
#define POLICY_BACKOFF_FIRST_MS 100
#define POLICY_BACKOFF_MAX_MS   5000
#define POLICY_BOOT_LIMIT_MS    30000 /* from fork to the ready byte */

/* What a signal to the supervisor means. */
enum policy_action {
    POLICY_IGNORE,   /* logged */
    POLICY_REAP,     /* children may have exited */
    POLICY_STOP,     /* graceful, with the deadline of the first stop signal */
    POLICY_STOP_NOW, /* kill what is left at once */
    POLICY_CONTINUE  /* nothing to do, nothing to log (SIGCONT, SIGWINCH …) */
};
enum policy_action policy_signal(int signal_number, bool stopping);

/* The latest crashes of the service, oldest first. Starts zeroed. */
struct policy_crashes {
    int64_t times_ms[POLICY_CRASHES_MAX];
    size_t count;
};

/* Notes a crash. True when POLICY_CRASHES_MAX lie within POLICY_CRASH_WINDOW_MS. */
bool policy_crash_loop(struct policy_crashes *crashes, int64_t now_ms);

/* The exit code of the service after a stage ended with the given wait(2) status.
 * `stop_signal` is 0, or the signal that asked the service to stop while the stage ran. */
int policy_stage_exit_code(int wait_status, int stop_signal, int crash_exit_code);

#endif
