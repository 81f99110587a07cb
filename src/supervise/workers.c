/* The life of the workers: events, through the state × event table, into work.
 * Not here: the table (policy.c), replacing and scaling (rolling.c), a process's mechanics (worker.c). */
#include "supervise/workers.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "digitalism/base/control.h"
#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "supervise/child.h"

int workers_new(struct workers *out, struct supervise_plan *plan, struct listeners *listeners, struct err *err)
{
    struct slot *slots = calloc(SUPERVISE_WORKERS_MAX, sizeof(*slots));
    if (slots == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the workers");
    }
    for (size_t i = 0; i < SUPERVISE_WORKERS_MAX; i++) {
        (void) snprintf(slots[i].role, sizeof(slots[i].role), "worker-%zu", i + 1);
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            worker_init(&slots[i].workers[place]);
        }
        slots[i].backoff = (struct backoff){.first_ms = POLICY_BACKOFF_FIRST_MS, .max_ms = POLICY_BACKOFF_MAX_MS};
    }
    *out = (struct workers){.plan = plan,
                            .listeners = listeners,
                            .scoreboard = plan->scoreboard,
                            .slots = slots,
                            .count = plan->worker_count,
                            .wanted = plan->worker_count,
                            .memory_sample_ms = CLOCK_NEVER};
    return 0;
}

void workers_done(struct workers *workers)
{
    for (size_t i = 0; i < workers->count; i++) {
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            file_close(&workers->slots[i].workers[place].control_fd);
        }
    }
    free(workers->slots);
    *workers = (struct workers){.slots = NULL, .count = 0};
}

/* What others may see of the slot. */
static void publish(struct workers *workers, const struct slot *slot)
{
    const struct worker *present = &slot->workers[PLACE_PRESENT];
    struct scoreboard_slot *shown = &workers->scoreboard->slots[slot - workers->slots];
    atomic_store_explicit(&shown->pid, (int32_t) present->pid, memory_order_relaxed);
    atomic_store_explicit(&shown->state, (int32_t) present->state, memory_order_relaxed);
    atomic_store_explicit(&shown->started_ms, present->started_ms, memory_order_relaxed);
    workers->steering_stale = true;
}

static void fork_worker(struct workers *workers, struct slot *slot, enum place place)
{
    struct err err;
    uint32_t random = 0;
    size_t index = (size_t) (slot - workers->slots);
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0) {
        random = 0; /* it only spreads the workers' ends apart */
    }
    struct worker_start start = {.plan = workers->plan,
                                 .role = slot->role,
                                 .worker = {.index = index,
                                            .listener_fd = workers->listeners->fds[index],
                                            .requests_max = policy_requests_max(workers->plan->requests_max, random),
                                            .scoreboard = workers->scoreboard}};
    if (worker_fork(&slot->workers[place], &start, &err) < 0) {
        workers_event(workers, slot, place, POLICY_UNFORKED, err.message);
        return;
    }
    workers_event(workers, slot, place, POLICY_FORKED, "forked");
    if (workers->stopping || index >= workers->wanted) {
        /* Whoever waits in the slot's queue has been promised an answer, and its last worker is gone. */
        workers_event(workers, slot, place, POLICY_STOP, "it only answers what is in the queue");
    }
}

static void fork_again_later(struct workers *workers, struct slot *slot, enum place place, const char *reason)
{
    struct worker *worker = &slot->workers[place];
    if (place == PLACE_NEXT) {
        workers_replacement_failed(workers, slot, reason);
        return;
    }
    int64_t delay_ms = backoff_next_ms(&slot->backoff);
    log_warn("%s, trying again in %lld ms, continuing", reason, (long long) delay_ms);
    worker->deadline_ms = clock_now_ms() + delay_ms;
}

static void welcome(struct workers *workers, struct slot *slot, enum place place)
{
    bool is_first = !slot->ever_ready;
    slot->workers[place].ready_ms = clock_now_ms();
    slot->ever_ready = true;
    if (place == PLACE_NEXT) {
        assert(slot->workers[PLACE_LEAVING].state == SCOREBOARD_STOPPED);
        slot->workers[PLACE_LEAVING] = slot->workers[PLACE_PRESENT];
        slot->workers[PLACE_PRESENT] = slot->workers[PLACE_NEXT];
        worker_init(&slot->workers[PLACE_NEXT]);
        log_info("%s is replaced: pid %d serves, pid %d may go", slot->role, (int) slot->workers[PLACE_PRESENT].pid,
                 (int) slot->workers[PLACE_LEAVING].pid);
        workers_event(workers, slot, PLACE_LEAVING, POLICY_STOP, "replaced");
    } else if (!is_first) {
        log_info("%s is ready again with pid %d", slot->role, (int) slot->workers[place].pid);
    }
    if (!workers->was_ready && workers_ready(workers) == workers->wanted) {
        workers->was_ready = true;
        log_info("ready: %zu worker%s on %s", workers->wanted, workers->wanted == 1 ? "" : "s",
                 workers->listeners->url);
    }
}

static void note_crash(struct workers *workers, struct slot *slot, const char *cause)
{
    struct scoreboard_slot *shown = &workers->scoreboard->slots[slot - workers->slots];
    atomic_fetch_add_explicit(&shown->restarts, 1, memory_order_relaxed);
    (void) snprintf(shown->cause, sizeof(shown->cause), "%s", cause);
}

/* Whether the service can go on without the worker that ended; fills the failure when it cannot. */
static bool can_go_on(struct workers *workers, const struct slot *slot, const char *cause)
{
    if (!workers->was_ready && !slot->ever_ready) {
        (void) err_set(&workers->failure, ERR_LISTEN, "%s failed before it was ever ready: it ended with %s",
                       slot->role, cause);
    } else if (policy_crash_loop(&workers->crashes, clock_now_ms())) {
        (void) err_set(&workers->failure, ERR_LISTEN, "%d worker crashes within %d s, the last one: %s ended with %s",
                       POLICY_CRASHES_MAX, POLICY_CRASH_WINDOW_MS / 1000, slot->role, cause);
    } else {
        return true;
    }
    err_hint(&workers->failure, "the worker's own last log lines say why");
    return false;
}

/* A worker that was wanted has gone. `worker` is in backoff already, as the table says. */
static void ended(struct workers *workers, struct slot *slot, enum place place, const char *cause)
{
    struct worker *worker = &slot->workers[place];
    if (!worker->wanted || workers->stopping) {
        worker_set_state(worker, slot->role, SCOREBOARD_STOPPED, cause);
        return;
    }
    if (place == PLACE_NEXT) {
        workers_replacement_failed(workers, slot, cause);
        return;
    }
    note_crash(workers, slot, cause);
    if (!can_go_on(workers, slot, cause)) {
        worker_set_state(worker, slot->role, SCOREBOARD_STOPPED, cause);
        return;
    }
    if (slot->workers[PLACE_NEXT].pid != 0) {
        log_warn("%s ended unexpectedly with %s, its replacement boots already, continuing", slot->role, cause);
        *worker = slot->workers[PLACE_NEXT];
        worker_init(&slot->workers[PLACE_NEXT]);
        return;
    }
    int64_t now_ms = clock_now_ms();
    if (now_ms - worker->started_ms >= POLICY_HEALTHY_MS) {
        slot->crashes = 0;
        backoff_reset(&slot->backoff);
    }
    /* The first crash is an accident: the replacement comes at once. */
    int64_t delay_ms = slot->crashes == 0 ? 0 : backoff_next_ms(&slot->backoff);
    slot->crashes += 1;
    log_warn("%s ended unexpectedly with %s, restarting it in %lld ms, continuing", slot->role, cause,
             (long long) delay_ms);
    worker->deadline_ms = now_ms + delay_ms;
}

static void ask_to_end(struct workers *workers, struct worker *worker)
{
    worker->wanted = false;
    worker->deadline_ms = clock_now_ms() + workers->plan->graceful_timeout_ms;
    worker_signal(worker, SIGTERM);
}

static void kill_worker(const struct slot *slot, struct worker *worker, const char *reason)
{
    log_warn("killing %s (pid %d): %s, continuing", slot->role, (int) worker->pid, reason);
    worker->deadline_ms = CLOCK_NEVER;
    worker_signal(worker, SIGKILL);
}

static void abort_worker(const struct slot *slot, struct worker *worker, const char *reason)
{
    log_warn("aborting %s (pid %d): %s, continuing", slot->role, (int) worker->pid, reason);
    worker->deadline_ms = clock_now_ms() + POLICY_ABORT_LIMIT_MS;
    worker_signal(worker, SIGABRT);
}

static void want_replacement(struct slot *slot, const char *reason)
{
    if (!slot->replace_wanted) {
        log_info("%s is to be replaced: %s", slot->role, reason);
    }
    slot->replace_wanted = true;
}

void workers_event(struct workers *workers, struct slot *slot, enum place place, enum policy_event event,
                   const char *reason)
{
    struct worker *worker = &slot->workers[place];
    struct policy_step step = policy_step(worker->state, event);
    if (step.work == POLICY_WORK_NONE) {
        log_debug("%s (pid %d): %s means nothing while %s", slot->role, (int) worker->pid, policy_event_name(event),
                  scoreboard_state_name(worker->state));
        return;
    }
    worker_set_state(worker, slot->role, step.next, reason);
    switch (step.work) {
    case POLICY_WORK_FORK:
        fork_worker(workers, slot, place);
        break;
    case POLICY_WORK_BOOT:
        worker->deadline_ms = worker->started_ms + POLICY_BOOT_LIMIT_MS;
        break;
    case POLICY_WORK_RETRY:
        fork_again_later(workers, slot, place, reason);
        break;
    case POLICY_WORK_WELCOME:
        welcome(workers, slot, place);
        break;
    case POLICY_WORK_REPLACE:
        want_replacement(slot, reason);
        break;
    case POLICY_WORK_TERM:
        ask_to_end(workers, worker);
        break;
    case POLICY_WORK_ABORT:
        abort_worker(slot, worker, reason);
        break;
    case POLICY_WORK_KILL:
        kill_worker(slot, worker, reason);
        break;
    case POLICY_WORK_ENDED:
        ended(workers, slot, place, reason);
        break;
    case POLICY_WORK_GONE:
    case POLICY_WORK_NONE:
    case POLICY_WORK_COUNT:
        break;
    }
    publish(workers, slot);
}

void workers_start(struct workers *workers)
{
    workers->memory_sample_ms =
        workers->plan->memory_max_bytes > 0 ? clock_now_ms() + POLICY_MEMORY_PERIOD_MS : CLOCK_NEVER;
    for (size_t i = 0; i < workers->count; i++) {
        workers_event(workers, &workers->slots[i], PLACE_PRESENT, POLICY_START, "the service starts");
    }
}

bool workers_exited(struct workers *workers, pid_t pid, int wait_status)
{
    char cause[CHILD_STATUS_SIZE];
    for (size_t i = 0; i < workers->count; i++) {
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            struct worker *worker = &workers->slots[i].workers[place];
            if (worker->pid == pid) {
                worker->pid = 0;
                file_close(&worker->control_fd);
                workers_event(workers, &workers->slots[i], (enum place) place, POLICY_EXIT,
                              child_status(wait_status, cause));
                return true;
            }
        }
    }
    return false;
}

size_t workers_poll_fds(const struct workers *workers, struct pollfd *fds)
{
    size_t count = 0;
    for (size_t i = 0; i < workers->count; i++) {
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            int fd = workers->slots[i].workers[place].control_fd;
            if (fd >= 0) {
                fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
            }
        }
    }
    return count;
}

static void read_words(struct workers *workers, struct slot *slot, enum place place)
{
    char words[16];
    ssize_t count = read(slot->workers[place].control_fd, words, sizeof(words));
    if (count <= 0) {
        /* It is going: its exit status follows. */
        file_close(&slot->workers[place].control_fd);
    }
    for (ssize_t i = 0; i < count; i++) {
        if (words[i] == CONTROL_READY) {
            workers_event(workers, slot, place, POLICY_READY, "it says so");
            /* Being welcome moves a successor; what else it has to say is about the present one. */
            place = place == PLACE_NEXT ? PLACE_PRESENT : place;
        } else if (words[i] == CONTROL_RECYCLE) {
            workers_event(workers, slot, place, POLICY_SERVED, "it has served enough requests");
        }
    }
}

/* The words of one worker may have moved it and others of its slot meanwhile, so that each is looked up anew. */
static void read_words_of(struct workers *workers, int fd)
{
    for (size_t i = 0; i < workers->count; i++) {
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            if (workers->slots[i].workers[place].control_fd == fd) {
                read_words(workers, &workers->slots[i], (enum place) place);
                return;
            }
        }
    }
}

void workers_polled(struct workers *workers, const struct pollfd *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i].revents != 0) {
            read_words_of(workers, fds[i].fd);
        }
    }
}

int64_t workers_deadline_ms(const struct workers *workers)
{
    int64_t deadline_ms = workers->memory_sample_ms;
    for (size_t i = 0; i < workers->count; i++) {
        const struct slot *slot = &workers->slots[i];
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            deadline_ms = clock_earlier(deadline_ms, slot->workers[place].deadline_ms);
        }
        deadline_ms = clock_earlier(deadline_ms, workers_heartbeat_deadline_ms(workers, slot));
        if (slot->replace_wanted && workers->replace_not_before_ms > clock_now_ms()) {
            deadline_ms = clock_earlier(deadline_ms, workers->replace_not_before_ms);
        }
    }
    return deadline_ms;
}

static const char *late_reason(enum scoreboard_state state)
{
    switch (state) {
    case SCOREBOARD_BOOTING:
        return "it was not ready in time";
    case SCOREBOARD_DRAINING:
        return "it did not finish in time";
    case SCOREBOARD_BACKOFF:
        return "the delay is over";
    default:
        return "it is still there";
    }
}

static void sample_memory(struct workers *workers, int64_t now_ms)
{
    if (now_ms < workers->memory_sample_ms) {
        return;
    }
    workers->memory_sample_ms = now_ms + POLICY_MEMORY_PERIOD_MS;
    for (size_t i = 0; i < workers->count; i++) {
        struct slot *slot = &workers->slots[i];
        struct worker *worker = &slot->workers[PLACE_PRESENT];
        if (worker->state == SCOREBOARD_READY && !slot->replace_wanted &&
            policy_over_memory(&worker->samples_over_memory, child_rss_bytes(worker->pid),
                               workers->plan->memory_max_bytes)) {
            workers_event(workers, slot, PLACE_PRESENT, POLICY_OVER_MEMORY, "it is over WORKER_MEMORY_LIMIT");
        }
    }
}

void workers_check(struct workers *workers)
{
    int64_t now_ms = clock_now_ms();
    for (size_t i = 0; i < workers->count; i++) {
        struct slot *slot = &workers->slots[i];
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            const struct worker *worker = &slot->workers[place];
            if (worker->deadline_ms <= now_ms) {
                workers_event(workers, slot, (enum place) place, POLICY_LATE, late_reason(worker->state));
            }
        }
        workers_check_heartbeat(workers, slot, now_ms);
    }
    sample_memory(workers, now_ms);
    workers_replace_next(workers);
    workers_remove_idle(workers);
    workers_steer(workers);
}

void workers_forgive(struct workers *workers, int64_t late_ms)
{
    for (size_t i = 0; i < workers->count; i++) {
        struct slot *slot = &workers->slots[i];
        slot->workers[PLACE_PRESENT].ready_ms = clock_now_ms();
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            struct worker *worker = &slot->workers[place];
            if (worker->deadline_ms != CLOCK_NEVER && worker->state != SCOREBOARD_BACKOFF) {
                worker->deadline_ms += late_ms;
            }
        }
    }
}

void workers_tell(struct workers *workers, char word)
{
    for (size_t i = 0; i < workers->count; i++) {
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            worker_tell(&workers->slots[i].workers[place], word);
        }
    }
}

static void event_for_all(struct workers *workers, enum policy_event event, const char *reason)
{
    for (size_t i = 0; i < workers->count; i++) {
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            if (workers->slots[i].workers[place].state != SCOREBOARD_STOPPED) {
                workers_event(workers, &workers->slots[i], (enum place) place, event, reason);
            }
        }
        workers->slots[i].replace_wanted = false;
    }
}

void workers_stop(struct workers *workers)
{
    workers->stopping = true;
    event_for_all(workers, POLICY_STOP, "the service stops");
}

void workers_kill(struct workers *workers)
{
    workers->stopping = true;
    event_for_all(workers, POLICY_KILL, "the service stops at once");
}

size_t workers_alive(const struct workers *workers)
{
    size_t alive = 0;
    for (size_t i = 0; i < workers->count; i++) {
        for (size_t place = 0; place < PLACE_COUNT; place++) {
            alive += workers->slots[i].workers[place].pid != 0;
        }
    }
    return alive;
}

size_t workers_ready(const struct workers *workers)
{
    size_t ready = 0;
    for (size_t i = 0; i < workers->wanted; i++) {
        ready += workers->slots[i].workers[PLACE_PRESENT].state == SCOREBOARD_READY;
    }
    return ready;
}
