/* The supervisor's decisions as tables and pure functions.
 * Not here: carrying them out (workers.c, supervise.c). */
#include "supervise/policy.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum policy_signal policy_signal(int signal_number, bool stopping)
{
    switch (signal_number) {
    case SIGCHLD:
        return POLICY_SIGNAL_REAP;
    case SIGTERM:
        return POLICY_SIGNAL_STOP;
    case SIGINT:
    case SIGQUIT:
        /* The second one comes from somebody who does not want to wait. */
        return stopping ? POLICY_SIGNAL_KILL : POLICY_SIGNAL_STOP;
    case SIGHUP:
        return POLICY_SIGNAL_RELOAD;
    case SIGUSR1:
        return POLICY_SIGNAL_REOPEN_LOG;
    case SIGTTIN:
        return POLICY_SIGNAL_MORE;
    case SIGTTOU:
        return POLICY_SIGNAL_FEWER;
    case SIGCONT:
    case SIGWINCH:
    case SIGPIPE:
        return POLICY_SIGNAL_NOTHING;
    default:
        return POLICY_SIGNAL_UNKNOWN;
    }
}

static const char *const event_names[] = {
    [POLICY_START] = "start",
    [POLICY_FORKED] = "forked",
    [POLICY_UNFORKED] = "fork failed",
    [POLICY_READY] = "ready",
    [POLICY_EXIT] = "exit",
    [POLICY_LATE] = "late",
    [POLICY_OVER_MEMORY] = "over memory",
    [POLICY_SERVED] = "served enough",
    [POLICY_RELOAD] = "reload",
    [POLICY_STOP] = "stop",
    [POLICY_KILL] = "kill",
};
static_assert(sizeof(event_names) / sizeof(event_names[0]) == POLICY_EVENT_COUNT, "every event has a name");

const char *policy_event_name(enum policy_event event)
{
    return (unsigned) event < POLICY_EVENT_COUNT ? event_names[event] : "unknown";
}

/* A transition that is listed; the others are all zeros, and mean "stay". */
#define TO(state, what)                                                                                                \
    {                                                                                                                  \
        .listed = true, .step = {.next = SCOREBOARD_##state, .work = POLICY_WORK_##what }                              \
    }

static const struct {
    bool listed;
    struct policy_step step;
} table[SCOREBOARD_STATE_COUNT][POLICY_EVENT_COUNT] = {
    [SCOREBOARD_STOPPED] =
        {
            [POLICY_START] = TO(STARTING, FORK),
        },
    [SCOREBOARD_STARTING] =
        {
            [POLICY_FORKED] = TO(BOOTING, BOOT),
            [POLICY_UNFORKED] = TO(BACKOFF, RETRY),
        },
    [SCOREBOARD_BOOTING] =
        {
            [POLICY_READY] = TO(READY, WELCOME),
            [POLICY_EXIT] = TO(BACKOFF, ENDED),
            [POLICY_LATE] = TO(KILLED, ABORT),
            [POLICY_RELOAD] = TO(BOOTING, REPLACE),
            [POLICY_STOP] = TO(DRAINING, TERM),
            [POLICY_KILL] = TO(KILLED, KILL),
        },
    [SCOREBOARD_READY] =
        {
            [POLICY_EXIT] = TO(BACKOFF, ENDED),
            [POLICY_LATE] = TO(KILLED, KILL),
            [POLICY_OVER_MEMORY] = TO(READY, REPLACE),
            [POLICY_SERVED] = TO(READY, REPLACE),
            [POLICY_RELOAD] = TO(READY, REPLACE),
            [POLICY_STOP] = TO(DRAINING, TERM),
            [POLICY_KILL] = TO(KILLED, KILL),
        },
    [SCOREBOARD_DRAINING] =
        {
            [POLICY_EXIT] = TO(STOPPED, GONE),
            [POLICY_LATE] = TO(KILLED, KILL),
            [POLICY_KILL] = TO(KILLED, KILL),
        },
    [SCOREBOARD_KILLED] =
        {
            [POLICY_EXIT] = TO(BACKOFF, ENDED),
            [POLICY_LATE] = TO(KILLED, KILL),
            [POLICY_KILL] = TO(KILLED, KILL),
        },
    [SCOREBOARD_BACKOFF] =
        {
            [POLICY_LATE] = TO(STARTING, FORK),
            [POLICY_STOP] = TO(STARTING, FORK),
            [POLICY_KILL] = TO(STOPPED, GONE),
        },
};

struct policy_step policy_step(enum scoreboard_state state, enum policy_event event)
{
    assert((unsigned) state < SCOREBOARD_STATE_COUNT && (unsigned) event < POLICY_EVENT_COUNT);
    struct policy_step stay = {.next = state, .work = POLICY_WORK_NONE};
    return table[state][event].listed ? table[state][event].step : stay;
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

bool policy_over_memory(unsigned *samples_over, uint64_t rss_bytes, uint64_t max_bytes)
{
    *samples_over = max_bytes > 0 && rss_bytes > max_bytes ? *samples_over + 1 : 0;
    if (*samples_over < POLICY_MEMORY_SAMPLES) {
        return false;
    }
    *samples_over = 0;
    return true;
}

uint64_t policy_requests_max(uint64_t max, uint32_t random)
{
    uint64_t spread = max / 10;
    uint64_t limit = max - spread + (uint64_t) random % (2 * spread + 1);
    return max > 0 && limit == 0 ? 1 : limit;
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
