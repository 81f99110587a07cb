/* fork(2), sessions, process groups and the terminal for the command of `digitalism init`.
 * Not here: the event loop (init.c). */
#include "supervise/init_child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "supervise/signals.h"

#define EXIT_NOT_FOUND      127
#define EXIT_NOT_EXECUTABLE 126

int init_child_block_signals(struct init_child *child, struct err *err)
{
    sigset_t all;
    struct sigaction by_default = {.sa_handler = SIG_DFL};
    (void) sigfillset(&all);
    /* The one disposition that matters to us: ignored, children would leave no exit code. Others do not act while
     * blocked, so they stay as they are for the command. */
    if (sigprocmask(SIG_SETMASK, &all, &child->mask) != 0 || sigaction(SIGCHLD, &by_default, &child->on_child) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot block signals");
    }
    int fd = signalfd(-1, &all, SFD_CLOEXEC);
    return fd >= 0 ? fd : err_set_errno(err, ERR_INTERNAL, errno, "cannot open a signal descriptor");
}

/* A session leader that gives up its terminal sends SIGHUP and SIGCONT to the foreground, which is us. They are taken
 * at once, so that one from somebody else does not merge with them. False when there was no terminal to give up. */
static bool give_up_terminal(void)
{
    static const struct timespec at_once = {.tv_sec = 0};
    if (getsid(0) != getpid() || ioctl(STDIN_FILENO, TIOCNOTTY) != 0) {
        return false;
    }
    static const int sent[] = {SIGHUP, SIGCONT};
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        sigset_t one;
        (void) sigemptyset(&one);
        (void) sigaddset(&one, sent[i]);
        (void) sigtimedwait(&one, NULL, &at_once);
    }
    return true;
}

static _Noreturn void execute(const struct init_child *child)
{
    char *const *command = child->options->command;
    (void) sigaction(SIGCHLD, &child->on_child, NULL);
    /* What was sent to us meanwhile acts here. */
    (void) sigprocmask(SIG_SETMASK, &child->mask, NULL);
    (void) execvp(command[0], command);
    int failure = errno;
    (void) dprintf(STDERR_FILENO, "[%s] %s: %s\n", child->options->name, command[0], strerror(failure));
    _exit(failure == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* SIGTTOU is blocked here: without that a background process that sets the foreground is stopped. */
static void enter_group(const struct init_child *child, bool had_terminal)
{
    if (child->options->session) {
        (void) setsid();
        if (had_terminal) {
            (void) ioctl(STDIN_FILENO, TIOCSCTTY, 0);
        }
        return;
    }
    (void) setpgid(0, 0);
    if (child->has_terminal) {
        (void) tcsetpgrp(STDIN_FILENO, getpid());
    }
}

/* The parent waits for a byte behind which signals reach the group, the child for the end of the gate. */
static _Noreturn void child_main(const struct init_child *child, int gate, bool had_terminal, pid_t parent)
{
    char byte = 0;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1); /* it died before the line above could tell the kernel */
    }
    enter_group(child, had_terminal);
    (void) send(gate, &byte, 1, MSG_NOSIGNAL);
    (void) recv(gate, &byte, 1, 0);
    execute(child);
}

int init_child_start(struct init_child *child, struct err *err)
{
    int gate[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot open a socket pair");
    }
    bool had_terminal = child->options->session && give_up_terminal();
    /* In the background we have no foreground to give. */
    child->has_terminal = !child->options->session && tcgetpgrp(STDIN_FILENO) == getpgrp();
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid == 0) {
        (void) close(gate[0]);
        child_main(child, gate[1], had_terminal, parent);
    }
    int failure = errno;
    file_close(&gate[1]);
    if (child->pid > 0) {
        char byte;
        /* Its end instead of a byte means that it was killed already: the loop will see that. */
        (void) recv(gate[0], &byte, 1, 0);
        /* The directory that we were started in may be unmounted without us. */
        if (chdir("/") != 0) {
            log_warn("cannot enter /: %s, continuing", strerror(errno));
        }
    }
    file_close(&gate[0]);
    return child->pid > 0 ? 0 : err_set_errno(err, ERR_INTERNAL, failure, "cannot fork");
}

void init_child_signal(const struct init_child *child, int number)
{
    bool is_sent = child->options->group && kill(-child->pid, number) == 0;
    /* A command that has moved to another process group is still reached by itself. */
    if (!is_sent && kill(child->pid, number) != 0) {
        char name[SIGNALS_NAME_SIZE];
        log_warn("cannot forward %s to process %d: %s, continuing", signals_name(number, name), (int) child->pid,
                 strerror(errno));
    }
}

bool init_child_in_foreground(const struct init_child *child)
{
    return child->has_terminal && tcgetpgrp(STDIN_FILENO) == child->pid;
}

void init_child_continued(const struct init_child *child)
{
    if (child->has_terminal && tcgetpgrp(STDIN_FILENO) == getpgrp()) {
        (void) tcsetpgrp(STDIN_FILENO, child->pid);
    }
}

void init_child_ended(const struct init_child *child)
{
    if (child->has_terminal) {
        (void) tcsetpgrp(STDIN_FILENO, getpgrp());
    }
}
