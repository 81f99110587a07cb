/* The life of each worker slot.
 * Not here: what a worker does, and the supervisor's own event wait (supervise.c). */
#include "supervise/workers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "supervise/child.h"

static void set_state(struct workers *workers, struct worker *worker, enum scoreboard_state state, const char *reason)
{
    log_debug("%s: %s -> %s: %s", worker->role, scoreboard_state_name(worker->state), scoreboard_state_name(state),
              reason);
    worker->state = state;
    worker->deadline_ms = CLOCK_NEVER;
    struct scoreboard_slot *slot = &workers->scoreboard->slots[worker - workers->slots];
    atomic_store_explicit(&slot->state, (int32_t) state, memory_order_relaxed);
    atomic_store_explicit(&slot->pid, (int32_t) worker->pid, memory_order_relaxed);
    atomic_store_explicit(&slot->started_ms, worker->started_ms, memory_order_relaxed);
}

int workers_new(struct workers *out, const struct supervise_plan *plan, struct listeners *listeners,
                struct scoreboard *scoreboard, struct err *err)
{
    struct worker *slots = calloc(plan->worker_count > 0 ? plan->worker_count : 1, sizeof(*slots));
    if (slots == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for %zu workers", plan->worker_count);
    }
    for (size_t i = 0; i < plan->worker_count; i++) {
        (void) snprintf(slots[i].role, sizeof(slots[i].role), "worker-%zu", i + 1);
        slots[i].control_fd = -1;
        slots[i].deadline_ms = CLOCK_NEVER;
        slots[i].backoff = (struct backoff){.first_ms = POLICY_BACKOFF_FIRST_MS, .max_ms = POLICY_BACKOFF_MAX_MS};
    }
    *out = (struct workers){
        .plan = plan, .listeners = listeners, .scoreboard = scoreboard, .slots = slots, .count = plan->worker_count};
    return 0;
}

void workers_done(struct workers *workers)
{
    for (size_t i = 0; i < workers->count; i++) {
        file_close(&workers->slots[i].control_fd);
    }
    free(workers->slots);
    *workers = (struct workers){.slots = NULL, .count = 0};
}

/* What worker_main gets: the plan and the worker's own view of itself. */
struct worker_start {
    const struct supervise_plan *plan;
    struct supervise_worker worker;
};

static int worker_main(void *argument)
{
    const struct worker_start *start = argument;
    return start->plan->worker_run(start->plan->context, &start->worker);
}

static int fork_worker(struct workers *workers, struct worker *worker, struct err *err)
{
    size_t index = (size_t) (worker - workers->slots);
    int control[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, control) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot make the control channel of %s", worker->role);
    }
    struct worker_start start = {.plan = workers->plan,
                                 .worker = {.index = index,
                                            .listener_fd = workers->listeners->fds[index],
                                            .control_fd = control[1],
                                            .scoreboard = workers->scoreboard}};
    const int keep_fds[] = {start.worker.listener_fd, start.worker.control_fd};
    struct child_start child = {.role = worker->role,
                                .keep_fds = keep_fds,
                                .keep_count = sizeof(keep_fds) / sizeof(keep_fds[0]),
                                .run = worker_main,
                                .argument = &start};
    pid_t pid = child_fork(&child, err);
    (void) close(control[1]);
    if (pid < 0) {
        (void) close(control[0]);
        return (int) pid;
    }
    worker->pid = pid;
    worker->control_fd = control[0];
    return 0;
}

static void start_worker(struct workers *workers, struct worker *worker)
{
    struct err err;
    worker->started_ms = clock_now_ms();
    if (fork_worker(workers, worker, &err) < 0) {
        int64_t delay_ms = backoff_next_ms(&worker->backoff);
        log_warn("%s, trying again in %lld ms, continuing", err.message, (long long) delay_ms);
        set_state(workers, worker, SCOREBOARD_BACKOFF, "fork failed");
        worker->deadline_ms = worker->started_ms + delay_ms;
        return;
    }
    set_state(workers, worker, SCOREBOARD_BOOTING, "forked");
    worker->deadline_ms = worker->started_ms + POLICY_BOOT_LIMIT_MS;
}

void workers_start(struct workers *workers)
{
    for (size_t i = 0; i < workers->count; i++) {
        start_worker(workers, &workers->slots[i]);
    }
}

static void restart_later(struct workers *workers, struct worker *worker, const char *cause, int64_t now_ms)
{
    if (now_ms - worker->started_ms >= POLICY_HEALTHY_MS) {
        worker->crashes = 0;
        backoff_reset(&worker->backoff);
    }
    /* The first crash is an accident: the replacement comes at once. */
    int64_t delay_ms = worker->crashes == 0 ? 0 : backoff_next_ms(&worker->backoff);
    worker->crashes += 1;
    log_warn("%s ended unexpectedly with %s, restarting it in %lld ms, continuing", worker->role, cause,
             (long long) delay_ms);
    set_state(workers, worker, SCOREBOARD_BACKOFF, cause);
    worker->deadline_ms = now_ms + delay_ms;
    atomic_fetch_add_explicit(&workers->scoreboard->slots[worker - workers->slots].restarts, 1, memory_order_relaxed);
}

static void handle_exit(struct workers *workers, struct worker *worker, int wait_status, struct err *failure)
{
    char cause[CHILD_STATUS_SIZE];
    int64_t now_ms = clock_now_ms();
    (void) child_status(wait_status, cause);
    worker->pid = 0;
    file_close(&worker->control_fd);
    if (workers->stopping) {
        set_state(workers, worker, SCOREBOARD_STOPPED, cause);
        return;
    }
    if (!worker->ever_ready || policy_crash_loop(&workers->crashes, now_ms)) {
        set_state(workers, worker, SCOREBOARD_STOPPED, cause);
        if (worker->ever_ready) {
            (void) err_set(failure, ERR_LISTEN, "%d worker crashes within %d s, the last one: %s ended with %s",
                           POLICY_CRASHES_MAX, POLICY_CRASH_WINDOW_MS / 1000, worker->role, cause);
        } else {
            (void) err_set(failure, ERR_LISTEN, "%s failed before it was ever ready: it ended with %s", worker->role,
                           cause);
        }
        err_hint(failure, "the worker's own last log lines say why");
        return;
    }
    restart_later(workers, worker, cause, now_ms);
}

bool workers_exited(struct workers *workers, pid_t pid, int wait_status, struct err *failure)
{
    for (size_t i = 0; i < workers->count; i++) {
        if (workers->slots[i].pid == pid) {
            handle_exit(workers, &workers->slots[i], wait_status, failure);
            return true;
        }
    }
    return false;
}

void workers_poll_fds(const struct workers *workers, struct pollfd *fds)
{
    for (size_t i = 0; i < workers->count; i++) {
        const struct worker *worker = &workers->slots[i];
        /* Only a booting worker has something to say; the end of a ready one is told by SIGCHLD. */
        fds[i] = (struct pollfd){.fd = worker->state == SCOREBOARD_BOOTING ? worker->control_fd : -1, .events = POLLIN};
    }
}

static bool all_ready(const struct workers *workers)
{
    for (size_t i = 0; i < workers->count; i++) {
        if (workers->slots[i].state != SCOREBOARD_READY) {
            return false;
        }
    }
    return true;
}

static void worker_ready(struct workers *workers, struct worker *worker)
{
    bool is_first = !worker->ever_ready;
    worker->ever_ready = true;
    set_state(workers, worker, SCOREBOARD_READY, "told us so");
    if (!is_first) {
        log_info("%s is ready again with pid %d", worker->role, (int) worker->pid);
    } else if (all_ready(workers)) {
        log_info("ready: %zu worker%s on %s", workers->count, workers->count == 1 ? "" : "s", workers->listeners->url);
    }
}

void workers_polled(struct workers *workers, const struct pollfd *fds)
{
    for (size_t i = 0; i < workers->count; i++) {
        struct worker *worker = &workers->slots[i];
        char byte;
        if (fds[i].fd < 0 || fds[i].revents == 0 || fds[i].fd != worker->control_fd) {
            continue;
        }
        if (read(worker->control_fd, &byte, 1) == 1) {
            worker_ready(workers, worker);
        } else {
            file_close(&worker->control_fd); /* it is going: its exit status follows */
        }
    }
}

int64_t workers_deadline_ms(const struct workers *workers)
{
    int64_t deadline_ms = CLOCK_NEVER;
    for (size_t i = 0; i < workers->count; i++) {
        deadline_ms = clock_earlier(deadline_ms, workers->slots[i].deadline_ms);
    }
    return deadline_ms;
}

void workers_check_deadlines(struct workers *workers)
{
    int64_t now_ms = clock_now_ms();
    for (size_t i = 0; i < workers->count; i++) {
        struct worker *worker = &workers->slots[i];
        if (worker->deadline_ms > now_ms) {
            continue;
        }
        if (worker->state == SCOREBOARD_BACKOFF) {
            start_worker(workers, worker);
        } else if (worker->state == SCOREBOARD_BOOTING) {
            log_error("%s was not ready after %d s, killing it", worker->role, POLICY_BOOT_LIMIT_MS / 1000);
            worker->deadline_ms = CLOCK_NEVER;
            (void) kill(worker->pid, SIGKILL);
        }
    }
}

void workers_stop(struct workers *workers)
{
    workers->stopping = true;
    for (size_t i = 0; i < workers->count; i++) {
        struct worker *worker = &workers->slots[i];
        if (worker->pid != 0) {
            set_state(workers, worker, SCOREBOARD_DRAINING, "stop");
            (void) kill(worker->pid, SIGTERM);
        } else if (worker->state != SCOREBOARD_STOPPED) {
            set_state(workers, worker, SCOREBOARD_STOPPED, "stop");
        }
    }
}

void workers_kill(struct workers *workers)
{
    for (size_t i = 0; i < workers->count; i++) {
        if (workers->slots[i].pid != 0) {
            log_warn("%s did not finish in time, killing it, continuing", workers->slots[i].role);
            (void) kill(workers->slots[i].pid, SIGKILL);
        }
    }
}

size_t workers_alive(const struct workers *workers)
{
    size_t alive = 0;
    for (size_t i = 0; i < workers->count; i++) {
        alive += workers->slots[i].pid != 0;
    }
    return alive;
}
