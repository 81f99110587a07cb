/* SIGTERM as a readable descriptor, and waiting beside it.
 * Not here: PID 1's signals (supervise). */
#include "digitalism/base/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "digitalism/base/clock.h"

int stop_open(struct err *err)
{
    sigset_t term;
    (void) sigemptyset(&term);
    (void) sigaddset(&term, SIGTERM);
    /* Blocked first: a SIGTERM from here on is kept pending, and shows in the descriptor. */
    if (sigprocmask(SIG_BLOCK, &term, NULL) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot block SIGTERM");
    }
    int fd = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot open a signal descriptor");
    }
    return fd;
}

bool stop_requested(int stop_fd)
{
    /* Polled, never read: the request must stay visible to every later wait. */
    struct pollfd poll_fd = {.fd = stop_fd, .events = POLLIN};
    return stop_fd >= 0 && poll(&poll_fd, 1, 0) == 1;
}

int stop_poll(int stop_fd, int fd, short events, int64_t deadline_ms, struct err *err)
{
    struct pollfd fds[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = fd, .events = events}};
    for (;;) {
        int ready = poll(fds, sizeof(fds) / sizeof(fds[0]), clock_poll_timeout(deadline_ms));
        if (ready < 0 && errno != EINTR) {
            return err_set_errno(err, ERR_INTERNAL, errno, "cannot wait for events");
        }
        if (ready > 0 && fds[0].revents != 0) {
            return err_set(err, ERR_INTERRUPTED, "stopped by request");
        }
        if (ready >= 0) {
            return ready == 0 ? 0 : fds[1].revents;
        }
    }
}

int stop_sleep(int stop_fd, int64_t duration_ms, struct err *err)
{
    /* poll(2) ignores negative descriptors, so that there is nothing but the stop and the deadline to wait for. */
    return stop_poll(stop_fd, -1, 0, clock_now_ms() + duration_ms, err);
}
