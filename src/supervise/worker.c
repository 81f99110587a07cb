/* The mechanics of one worker process.
 * Not here: decisions (policy.c), the slots (workers.c). */
#include "supervise/worker.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"
#include "supervise/child.h"

void worker_init(struct worker *worker)
{
    *worker = (struct worker){.state = SCOREBOARD_STOPPED, .control_fd = -1, .deadline_ms = CLOCK_NEVER};
}

static int worker_main(void *argument)
{
    const struct worker_start *start = argument;
    return start->plan->worker_run(start->plan->context, &start->worker);
}

int worker_fork(struct worker *worker, struct worker_start *start, struct err *err)
{
    int control[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, control) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot make the control socket of %s", start->role);
    }
    start->worker.control_fd = control[1];
    const int keep_fds[] = {start->worker.listener_fd, start->worker.control_fd};
    struct child_start child = {.role = start->role,
                                .keep_fds = keep_fds,
                                .keep_count = sizeof(keep_fds) / sizeof(keep_fds[0]),
                                .holds_term = true, /* asked to stop while it boots, it still answers its queue */
                                .run = worker_main,
                                .argument = start};
    pid_t pid = child_fork(&child, err);
    (void) close(control[1]);
    if (pid < 0) {
        (void) close(control[0]);
        return (int) pid;
    }
    worker->pid = pid;
    worker->control_fd = control[0];
    worker->started_ms = clock_now_ms();
    worker->samples_over_memory = 0;
    worker->wanted = true;
    return 0;
}

void worker_set_state(struct worker *worker, const char *role, enum scoreboard_state state, const char *reason)
{
    if (state != worker->state) {
        log_debug("%s (pid %d): %s -> %s: %s", role, (int) worker->pid, scoreboard_state_name(worker->state),
                  scoreboard_state_name(state), reason);
        worker->state = state;
        worker->deadline_ms = CLOCK_NEVER;
    }
}

void worker_signal(const struct worker *worker, int signal_number)
{
    if (worker->pid > 0) {
        (void) kill(worker->pid, signal_number);
    }
}

void worker_tell(const struct worker *worker, char word)
{
    if (worker->control_fd >= 0) {
        (void) send(worker->control_fd, &word, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}
