/* signalfd(2), masks and dispositions.
 * Not here: what a signal means (policy.c). */
#include "supervise/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "digitalism/supervise.h"

/* Faults of our own must end us as usual, and SIGKILL and SIGSTOP cannot be blocked anyway. */
static const int left_alone[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGKILL, SIGSTOP};

static void reset_dispositions(void)
{
    for (int number = 1; number < NSIG; number++) {
        /* Fails for SIGKILL, SIGSTOP and the C library's own two: there is nothing to reset. */
        (void) signal(number, SIG_DFL);
    }
}

static void fill_set(sigset_t *set)
{
    (void) sigfillset(set);
    for (size_t i = 0; i < sizeof(left_alone) / sizeof(left_alone[0]); i++) {
        (void) sigdelset(set, left_alone[i]);
    }
}

void supervise_hold_signals(void)
{
    sigset_t set;
    fill_set(&set);
    (void) sigprocmask(SIG_SETMASK, &set, NULL);
}

int signals_open(struct err *err)
{
    sigset_t set;
    fill_set(&set);
    /* Blocked before the dispositions change, so that nothing that comes meanwhile acts by default. */
    if (sigprocmask(SIG_SETMASK, &set, NULL) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot block signals");
    }
    reset_dispositions();
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd >= 0 ? fd : err_set_errno(err, ERR_INTERNAL, errno, "cannot open a signal descriptor");
}

int signals_next(int signals_fd, int *sender)
{
    struct signalfd_siginfo info;
    ssize_t got;
    do {
        got = read(signals_fd, &info, sizeof(info));
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t) sizeof(info)) {
        return 0;
    }
    *sender = (int) info.ssi_pid;
    return (int) info.ssi_signo;
}

void signals_reset_in_child(bool holds_term)
{
    sigset_t set;
    reset_dispositions();
    /* A peer that went away is an error of write(2), not a reason to die. */
    (void) signal(SIGPIPE, SIG_IGN);
    (void) sigemptyset(&set);
    if (holds_term) {
        (void) sigaddset(&set, SIGTERM);
    }
    (void) sigprocmask(SIG_SETMASK, &set, NULL);
}

const char *signals_name(int signal_number, char text[static SIGNALS_NAME_SIZE])
{
    const char *abbreviation = sigabbrev_np(signal_number);
    if (abbreviation != NULL) {
        (void) snprintf(text, SIGNALS_NAME_SIZE, "SIG%s", abbreviation);
    } else {
        (void) snprintf(text, SIGNALS_NAME_SIZE, "signal %d", signal_number);
    }
    return text;
}
