/* The stages: one child after the other, each to its end.
 * Not here: the event loop that they run in (supervise.c), what a stage does (main hands it in). */
#include <signal.h>
#include <sys/wait.h>

#include "digitalism/base/log.h"
#include "supervise/child.h"
#include "supervise/supervisor.h"

bool stages_exited(struct supervisor *supervisor, pid_t pid, int wait_status)
{
    if (pid != supervisor->stage_pid) {
        return false;
    }
    supervisor->stage_pid = 0;
    supervisor->stage_status = wait_status;
    supervisor->stage_deadline_ms = CLOCK_NEVER;
    return true;
}

void stages_stop(struct supervisor *supervisor)
{
    if (supervisor->stage_pid != 0) {
        supervisor->stage_deadline_ms = clock_now_ms() + supervisor->plan->graceful_timeout_ms;
        (void) kill(supervisor->stage_pid, SIGTERM);
    }
}

void stages_kill(struct supervisor *supervisor)
{
    if (supervisor->stage_pid != 0) {
        supervisor->stage_deadline_ms = CLOCK_NEVER;
        (void) kill(supervisor->stage_pid, SIGKILL);
    }
}

void stages_check(struct supervisor *supervisor)
{
    if (supervisor->stage_deadline_ms <= clock_now_ms()) {
        log_warn("the stage did not finish in time, killing it, continuing");
        stages_kill(supervisor);
    }
}

static void log_end(const struct supervisor *supervisor, const struct supervise_stage *stage, bool is_forgiven)
{
    char text[CHILD_STATUS_SIZE];
    (void) child_status(supervisor->stage_status, text);
    if (WIFSIGNALED(supervisor->stage_status) && supervisor->stop_signal == 0) {
        log_error("stage %s was ended by %s", stage->name, text);
    } else {
        log_debug("stage %s ended with %s", stage->name, text);
    }
    if (is_forgiven) {
        log_warn("stage %s failed with %s, continuing without it", stage->name, text);
    }
}

static int run_stage(struct supervisor *supervisor, const struct supervise_stage *stage, int *exit_code,
                     struct err *err)
{
    struct child_start child = {.role = stage->name, .run = stage->run, .argument = supervisor->plan->context};
    pid_t pid = child_fork(&child, err);
    if (pid < 0) {
        return (int) pid;
    }
    log_debug("stage %s runs with pid %d", stage->name, (int) pid);
    supervisor->stage_pid = pid;
    while (supervisor->stage_pid != 0) {
        int failure = supervisor_turn(supervisor, err);
        if (failure < 0) {
            return failure;
        }
    }
    *exit_code = policy_stage_exit_code(supervisor->stage_status, supervisor->stop_signal, stage->crash_exit_code);
    bool is_forgiven = *exit_code != 0 && stage->optional && supervisor->stop_signal == 0;
    log_end(supervisor, stage, is_forgiven);
    if (is_forgiven) {
        *exit_code = 0;
    }
    return 0;
}

int stages_run(struct supervisor *supervisor, int *exit_code, struct err *err)
{
    *exit_code = 0;
    for (size_t i = 0; i < supervisor->plan->stage_count && *exit_code == 0; i++) {
        if (supervisor->stop_signal != 0) {
            *exit_code = 128 + supervisor->stop_signal;
            return 0;
        }
        int failure = run_stage(supervisor, &supervisor->plan->stages[i], exit_code, err);
        if (failure < 0) {
            return failure;
        }
    }
    return 0;
}
