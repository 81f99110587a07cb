/* The event loop of PID 1: signals in, children out, deadlines between.
 * Not here: the workers' life (workers.c), making a child (child.c), decisions (policy.c). */
#include "digitalism/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "supervise/child.h"
#include "supervise/listeners.h"
#include "supervise/policy.h"
#include "supervise/signals.h"
#include "supervise/workers.h"

struct supervisor {
    const struct supervise_plan *plan;
    int signals_fd;
    struct pollfd *poll_fds; /* the signals, then one entry a worker slot */
    struct listeners listeners;
    struct scoreboard *scoreboard;
    struct workers workers;
    pid_t stage_pid; /* of the stage that runs; 0: none */
    int stage_status;
    int stop_signal;          /* the first one that asked us to stop; 0: none */
    int64_t kill_deadline_ms; /* when patience ends; CLOCK_NEVER: not stopping */
    struct err failure;       /* why we stop by ourselves; code ERR_NONE: we do not */
};

static int supervisor_new(struct supervisor *supervisor, const struct supervise_plan *plan, struct err *err)
{
    *supervisor = (struct supervisor){
        .plan = plan, .signals_fd = -1, .scoreboard = plan->scoreboard, .kill_deadline_ms = CLOCK_NEVER};
    supervisor->signals_fd = signals_open(err);
    if (supervisor->signals_fd < 0) {
        return supervisor->signals_fd;
    }
    /* Orphans of our children come to us even when we are not PID 1, so that none outlives us unseen. */
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
    supervisor->poll_fds = calloc(plan->worker_count + 1, sizeof(*supervisor->poll_fds));
    if (supervisor->poll_fds == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for %zu workers", plan->worker_count);
    }
    int failure = 0;
    if (plan->worker_count > 0) {
        failure = listeners_bind(&supervisor->listeners, plan->host, plan->port, plan->worker_count, err);
    }
    if (failure == 0) {
        failure = workers_new(&supervisor->workers, plan, &supervisor->listeners, supervisor->scoreboard, err);
    }
    return failure;
}

static void supervisor_done(struct supervisor *supervisor)
{
    workers_done(&supervisor->workers);
    listeners_done(&supervisor->listeners);
    free(supervisor->poll_fds);
    file_close(&supervisor->signals_fd);
}

static bool is_stopping(const struct supervisor *supervisor)
{
    return supervisor->kill_deadline_ms != CLOCK_NEVER;
}

static void begin_stop(struct supervisor *supervisor)
{
    if (!is_stopping(supervisor)) {
        supervisor->kill_deadline_ms = clock_now_ms() + supervisor->plan->graceful_timeout_ms;
        if (supervisor->stage_pid != 0) {
            (void) kill(supervisor->stage_pid, SIGTERM);
        }
        listeners_refuse(&supervisor->listeners);
        workers_stop(&supervisor->workers);
    }
}

static void kill_all(struct supervisor *supervisor)
{
    if (supervisor->stage_pid != 0) {
        log_warn("the stage did not finish in time, killing it, continuing");
        (void) kill(supervisor->stage_pid, SIGKILL);
    }
    workers_kill(&supervisor->workers);
    /* They cannot refuse: there is nothing left to wait for but their exit status. */
    supervisor->kill_deadline_ms = CLOCK_NEVER - 1;
}

/* Reaps all that has ended. Who it was is looked up before its status is taken for anything: it may be an orphan. */
static void reap(struct supervisor *supervisor)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0) {
            return;
        }
        if (pid == supervisor->stage_pid) {
            supervisor->stage_pid = 0;
            supervisor->stage_status = status;
        } else if (!workers_exited(&supervisor->workers, pid, status, &supervisor->failure)) {
            char text[CHILD_STATUS_SIZE];
            log_debug("reaped orphan %d: %s", (int) pid, child_status(status, text));
        }
    }
}

static void handle_signal(struct supervisor *supervisor, int number, int sender)
{
    char name[SIGNALS_NAME_SIZE];
    (void) signals_name(number, name);
    switch (policy_signal(number, supervisor->stop_signal != 0)) {
    case POLICY_REAP:
        reap(supervisor);
        return;
    case POLICY_STOP:
        if (supervisor->stop_signal != 0) {
            log_debug("%s from pid %d: already stopping", name, sender);
            return;
        }
        log_info("stopping on %s from pid %d, within %lld ms", name, sender,
                 (long long) supervisor->plan->graceful_timeout_ms);
        supervisor->stop_signal = number;
        begin_stop(supervisor);
        return;
    case POLICY_STOP_NOW:
        log_warn("stopping at once on a second signal, %s from pid %d", name, sender);
        kill_all(supervisor);
        return;
    case POLICY_IGNORE:
        log_info("%s from pid %d has no meaning here, ignored", name, sender);
        return;
    case POLICY_CONTINUE:
        return;
    }
}

static void handle_signals(struct supervisor *supervisor)
{
    int sender = 0;
    for (int number = signals_next(supervisor->signals_fd, &sender); number != 0;
         number = signals_next(supervisor->signals_fd, &sender)) {
        handle_signal(supervisor, number, sender);
    }
}

/* Sleeps until a signal, a worker's word or a deadline, and handles what came. */
static int turn(struct supervisor *supervisor, struct err *err)
{
    struct pollfd *fds = supervisor->poll_fds;
    fds[0] = (struct pollfd){.fd = supervisor->signals_fd, .events = POLLIN};
    workers_poll_fds(&supervisor->workers, fds + 1);
    int64_t deadline_ms = clock_earlier(supervisor->kill_deadline_ms, workers_deadline_ms(&supervisor->workers));
    int ready = poll(fds, supervisor->workers.count + 1, clock_poll_timeout(deadline_ms));
    if (ready < 0 && errno != EINTR) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot wait for events");
    }
    if (ready > 0) {
        workers_polled(&supervisor->workers, fds + 1);
        handle_signals(supervisor);
    }
    workers_check_deadlines(&supervisor->workers);
    if (supervisor->failure.code != ERR_NONE && !is_stopping(supervisor)) {
        log_err(LOG_LEVEL_ERROR, &supervisor->failure);
        begin_stop(supervisor);
    }
    if (supervisor->kill_deadline_ms <= clock_now_ms()) {
        kill_all(supervisor);
    }
    return 0;
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
        int failure = turn(supervisor, err);
        if (failure < 0) {
            return failure;
        }
    }
    *exit_code = policy_stage_exit_code(supervisor->stage_status, supervisor->stop_signal, stage->crash_exit_code);
    char text[CHILD_STATUS_SIZE];
    (void) child_status(supervisor->stage_status, text);
    if (WIFSIGNALED(supervisor->stage_status) && supervisor->stop_signal == 0) {
        log_error("stage %s was ended by %s", stage->name, text);
    } else {
        log_debug("stage %s ended with %s", stage->name, text);
    }
    if (*exit_code != 0 && stage->optional && supervisor->stop_signal == 0) {
        log_warn("stage %s failed with %s, continuing without it", stage->name, text);
        *exit_code = 0;
    }
    return 0;
}

static int run_stages(struct supervisor *supervisor, int *exit_code, struct err *err)
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

static int run_workers(struct supervisor *supervisor, struct err *err)
{
    int failure = listeners_listen(&supervisor->listeners, err);
    if (failure < 0) {
        return failure;
    }
    workers_start(&supervisor->workers);
    while (!is_stopping(supervisor) || workers_alive(&supervisor->workers) > 0) {
        failure = turn(supervisor, err);
        if (failure < 0) {
            workers_kill(&supervisor->workers);
            return failure;
        }
    }
    log_info("stopped: %llu requests served", (unsigned long long) scoreboard_requests(supervisor->scoreboard));
    if (supervisor->failure.code != ERR_NONE) {
        *err = supervisor->failure;
        return -(int) err->code;
    }
    return 0;
}

int supervise_run(struct supervise_plan *plan, int *exit_code, struct err *err)
{
    struct supervisor supervisor;
    int failure = supervisor_new(&supervisor, plan, err);
    if (failure == 0) {
        failure = run_stages(&supervisor, exit_code, err);
    }
    if (failure == 0 && *exit_code == 0 && plan->worker_count > 0 && supervisor.stop_signal == 0) {
        failure = run_workers(&supervisor, err);
    }
    supervisor_done(&supervisor);
    return failure;
}
