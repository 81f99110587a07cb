/* The supervisor's decisions as pure functions.
 * Not here: carrying them out (supervise.c). */
#include "supervise/policy.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum policy_action policy_signal(int signal_number, bool stopping)
{
    switch (signal_number) {
    case SIGCHLD:
        return POLICY_REAP;
    case SIGTERM:
        return POLICY_STOP;
    case SIGINT:
    case SIGQUIT:
        /* The second one comes from somebody who does not want to wait. */
        return stopping ? POLICY_STOP_NOW : POLICY_STOP;
    case SIGCONT:
    case SIGWINCH:
    case SIGPIPE:
        return POLICY_CONTINUE;
    default:
        return POLICY_IGNORE;
    }
}

bool policy_crash_loop(struct policy_crashes *crashes, int64_t now_ms)
{
    if (crashes->count == POLICY_CRASHES_MAX) {
        memmove(crashes->times_ms, crashes->times_ms + 1, sizeof(crashes->times_ms) - sizeof(crashes->times_ms[0]));
        crashes->count -= 1;
    }
    crashes->times_ms[crashes->count++] = now_ms;
    return crashes->count == POLICY_CRASHES_MAX && now_ms - crashes->times_ms[0] < POLICY_CRASH_WINDOW_MS;
}

int policy_stage_exit_code(int wait_status, int stop_signal, int crash_exit_code)
{
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) {
        return 0;
    }
    if (stop_signal != 0) {
        return 128 + stop_signal;
    }
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : crash_exit_code;
}
