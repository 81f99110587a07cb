/* The event loop of PID 1: signals in, children out, deadlines between.
 * Not here: the workers' life (workers.c), stages one by one (stages.c), making a child (child.c), decisions
 * (policy.c). */
#include "digitalism/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "digitalism/base/control.h"
#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "supervise/child.h"
#include "supervise/notify.h"
#include "supervise/signals.h"
#include "supervise/status.h"
#include "supervise/supervisor.h"

enum { POLL_SIGNALS, POLL_STATUS, POLL_WORKERS, POLL_MAX = POLL_WORKERS + WORKERS_POLL_MAX };

static int supervisor_new(struct supervisor *supervisor, struct supervise_plan *plan, struct err *err)
{
    *supervisor = (struct supervisor){.plan = plan,
                                      .signals_fd = -1,
                                      .status_fd = -1,
                                      .stop_at_ms = CLOCK_NEVER,
                                      .stage_deadline_ms = CLOCK_NEVER,
                                      .started_workers = plan->worker_count};
    supervisor->signals_fd = signals_open(err);
    if (supervisor->signals_fd < 0) {
        return supervisor->signals_fd;
    }
    /* Orphans of our children come to us even when we are not PID 1, so that none outlives us unseen. */
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
    supervisor->poll_fds = calloc(POLL_MAX, sizeof(*supervisor->poll_fds));
    if (supervisor->poll_fds == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the event loop");
    }
    struct scoreboard *scoreboard = plan->scoreboard;
    scoreboard->supervisor_pid = (int32_t) getpid();
    atomic_store_explicit(&scoreboard->slot_count, (uint32_t) plan->worker_count, memory_order_relaxed);
    if (plan->worker_count > 0) {
        int failure = listeners_bind(&supervisor->listeners, plan->host, plan->port, plan->worker_count,
                                     SUPERVISE_WORKERS_MAX, err);
        if (failure < 0) {
            return failure;
        }
        memcpy(scoreboard->url, supervisor->listeners.url, sizeof(supervisor->listeners.url));
        supervisor->status_fd = status_open(scoreboard->url, err);
        if (supervisor->status_fd < 0) {
            (void) err_prefix(err, "continuing without `digitalism status`");
            log_err(LOG_LEVEL_WARN, err);
        }
    }
    return workers_new(&supervisor->workers, plan, &supervisor->listeners, err);
}

static void supervisor_done(struct supervisor *supervisor)
{
    workers_done(&supervisor->workers);
    listeners_done(&supervisor->listeners);
    free(supervisor->poll_fds);
    file_close(&supervisor->status_fd);
    file_close(&supervisor->signals_fd);
}

/* SIGTERM to everything, and the limits with it. */
static void begin_stop(struct supervisor *supervisor)
{
    supervisor->stop_at_ms = CLOCK_NEVER;
    if (!supervisor->stopping) {
        supervisor->stopping = true;
        atomic_store_explicit(&supervisor->plan->scoreboard->draining, true, memory_order_relaxed);
        notify_stopping();
        stages_stop(supervisor);
        listeners_refuse(&supervisor->listeners);
        workers_stop(&supervisor->workers);
    }
}

static void ask_to_stop(struct supervisor *supervisor, int number, const char *name, int sender)
{
    if (supervisor->stop_signal != 0) {
        log_debug("%s from pid %d: already stopping", name, sender);
        return;
    }
    supervisor->stop_signal = number;
    bool delays = supervisor->serving && supervisor->plan->drain_delay_ms > 0 && !supervisor->stopping;
    int64_t limit_ms = supervisor->plan->graceful_timeout_ms + (delays ? supervisor->plan->drain_delay_ms : 0);
    log_info("stopping on %s from pid %d, within %lld ms%s", name, sender, (long long) limit_ms,
             delays ? ", serving on for DRAIN_DELAY first" : "");
    if (delays) {
        /* Whoever asks /health is told to look elsewhere, before anybody is turned away. */
        atomic_store_explicit(&supervisor->plan->scoreboard->draining, true, memory_order_relaxed);
        notify_stopping();
        supervisor->stop_at_ms = clock_now_ms() + supervisor->plan->drain_delay_ms;
    } else {
        begin_stop(supervisor);
    }
}

static void kill_all(struct supervisor *supervisor)
{
    begin_stop(supervisor);
    stages_kill(supervisor);
    workers_kill(&supervisor->workers);
}

/* A reload that comes while one is under way is done behind it: however many come, one is enough. */
static void reload(struct supervisor *supervisor)
{
    struct err err;
    if (!supervisor->serving || supervisor->stop_signal != 0 || supervisor->stopping) {
        log_info("reload: nothing to reload now, ignored");
        return;
    }
    if (supervisor->workers.reloading) {
        supervisor->reload_again = true;
        return;
    }
    supervisor->reload_again = false;
    supervisor->told_ready = false;
    notify_reloading();
    struct supervise_plan *plan = supervisor->plan;
    if (plan->reload != NULL && plan->reload(plan->context, plan, &err) < 0) {
        log_err(LOG_LEVEL_ERROR, &err);
        log_error("reload: refused, the workers go on with the settings that they have");
        return;
    }
    log_info("reload: replacing %zu worker%s one by one", supervisor->workers.wanted,
             supervisor->workers.wanted == 1 ? "" : "s");
    if (plan->worker_count != supervisor->started_workers) {
        supervisor->started_workers = plan->worker_count;
        workers_scale(&supervisor->workers, plan->worker_count);
    }
    workers_reload(&supervisor->workers);
}

static void reopen_log(struct supervisor *supervisor)
{
    struct err err;
    if (log_reopen(&err) < 0) {
        log_warn("%s, continuing with the old one", err.message);
        return;
    }
    log_info("the log was opened anew");
    workers_tell(&supervisor->workers, CONTROL_REOPEN_LOG);
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
        if (!stages_exited(supervisor, pid, status) && !workers_exited(&supervisor->workers, pid, status)) {
            char text[CHILD_STATUS_SIZE];
            log_debug("reaped orphan %d: %s", (int) pid, child_status(status, text));
        }
    }
}

static void scale_by(struct supervisor *supervisor, int change, const char *name)
{
    size_t wanted = supervisor->workers.wanted;
    if (!supervisor->serving) {
        log_info("%s: there are no workers to scale now, ignored", name);
    } else if (change > 0 || wanted > 1) {
        workers_scale(&supervisor->workers, change > 0 ? wanted + 1 : wanted - 1);
    } else {
        log_info("%s: the last worker stays", name);
    }
}

static void handle_signal(struct supervisor *supervisor, int number, int sender)
{
    char name[SIGNALS_NAME_SIZE];
    (void) signals_name(number, name);
    switch (policy_signal(number, supervisor->stop_signal != 0)) {
    case POLICY_SIGNAL_REAP:
        reap(supervisor);
        break;
    case POLICY_SIGNAL_STOP:
        ask_to_stop(supervisor, number, name, sender);
        break;
    case POLICY_SIGNAL_KILL:
        log_warn("stopping at once on a second signal, %s from pid %d", name, sender);
        kill_all(supervisor);
        break;
    case POLICY_SIGNAL_RELOAD:
        reload(supervisor);
        break;
    case POLICY_SIGNAL_REOPEN_LOG:
        reopen_log(supervisor);
        break;
    case POLICY_SIGNAL_MORE:
    case POLICY_SIGNAL_FEWER:
        scale_by(supervisor, number == SIGTTIN ? 1 : -1, name);
        break;
    case POLICY_SIGNAL_UNKNOWN:
        log_info("%s from pid %d has no meaning here, ignored", name, sender);
        break;
    case POLICY_SIGNAL_NOTHING:
        break;
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

static void check_deadlines(struct supervisor *supervisor, int64_t expected_ms)
{
    int64_t now_ms = clock_now_ms();
    /* Stopped by SIGSTOP, a debugger or a freezer, we know nothing of what the others did meanwhile. */
    if (expected_ms != CLOCK_NEVER && now_ms - expected_ms > POLICY_LATE_MS) {
        log_info("woken %lld ms too late, nobody is blamed for it", (long long) (now_ms - expected_ms));
        workers_forgive(&supervisor->workers, now_ms - expected_ms);
    }
    workers_check(&supervisor->workers);
    stages_check(supervisor);
    if (supervisor->workers.failure.code != ERR_NONE && !supervisor->stopping) {
        log_info("giving up, stopping what is left");
        begin_stop(supervisor);
    }
    if (supervisor->stop_at_ms <= now_ms) {
        begin_stop(supervisor);
    }
    if (supervisor->reload_again && !supervisor->workers.reloading) {
        reload(supervisor);
    }
}

/* A service manager hears READY=1 when the first worker serves, and again behind a reload. */
static void tell_ready(struct supervisor *supervisor)
{
    if (!supervisor->told_ready && !supervisor->stopping && !supervisor->workers.reloading &&
        workers_ready(&supervisor->workers) > 0) {
        supervisor->told_ready = true;
        notify_ready();
    }
}

int supervisor_turn(struct supervisor *supervisor, struct err *err)
{
    struct pollfd *fds = supervisor->poll_fds;
    fds[POLL_SIGNALS] = (struct pollfd){.fd = supervisor->signals_fd, .events = POLLIN};
    fds[POLL_STATUS] = (struct pollfd){.fd = supervisor->status_fd, .events = POLLIN};
    size_t worker_fds = workers_poll_fds(&supervisor->workers, fds + POLL_WORKERS);
    int64_t deadline_ms = clock_earlier(supervisor->stop_at_ms, supervisor->stage_deadline_ms);
    deadline_ms = clock_earlier(deadline_ms, workers_deadline_ms(&supervisor->workers));
    int ready = poll(fds, POLL_WORKERS + worker_fds, clock_poll_timeout(deadline_ms));
    if (ready < 0 && errno != EINTR) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot wait for events");
    }
    if (ready > 0) {
        workers_polled(&supervisor->workers, fds + POLL_WORKERS, worker_fds);
        handle_signals(supervisor);
        if (fds[POLL_STATUS].revents != 0) {
            status_answer(supervisor->status_fd, supervisor->plan->scoreboard);
        }
    }
    check_deadlines(supervisor, deadline_ms);
    tell_ready(supervisor);
    return 0;
}

static int run_workers(struct supervisor *supervisor, struct err *err)
{
    int failure = listeners_listen(&supervisor->listeners, err);
    if (failure < 0) {
        return failure;
    }
    supervisor->serving = true;
    workers_start(&supervisor->workers);
    while (!supervisor->stopping || workers_alive(&supervisor->workers) > 0) {
        failure = supervisor_turn(supervisor, err);
        if (failure < 0) {
            workers_kill(&supervisor->workers);
            return failure;
        }
    }
    log_info("stopped: %llu requests served", (unsigned long long) scoreboard_requests(supervisor->plan->scoreboard));
    if (supervisor->workers.failure.code != ERR_NONE) {
        *err = supervisor->workers.failure;
        return -(int) err->code;
    }
    return 0;
}

int supervise_run(struct supervise_plan *plan, int *exit_code, struct err *err)
{
    struct supervisor supervisor;
    int failure = supervisor_new(&supervisor, plan, err);
    if (failure == 0) {
        failure = stages_run(&supervisor, exit_code, err);
    }
    if (failure == 0 && *exit_code == 0 && plan->worker_count > 0 && supervisor.stop_signal == 0) {
        failure = run_workers(&supervisor, err);
    }
    supervisor_done(&supervisor);
    return failure;
}
