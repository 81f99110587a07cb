/* The loop of `digitalism init`: forwards signals, reaps, ends as its command ends.
 * Not here: options (init_options.c), how the command is started (init_child.c). */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "digitalism/supervise_init.h"
#include "supervise/child.h"
#include "supervise/init_child.h"
#include "supervise/init_options.h"
#include "supervise/signals.h"

struct init {
    const struct init_options *options;
    struct init_child child;
    bool stopped_with_child; /* and SIGCONT was not forwarded since */
    bool ended;
    int status; /* wait(2) status of the command once it has ended */
};

static void stop_ourselves(struct init *init)
{
    init->stopped_with_child = true;
    log_debug("stopping");
    /* Returns when we are continued; at once as PID 1, which cannot be stopped. */
    (void) kill(getpid(), SIGSTOP);
}

/* Ctrl-Z stops the command's process group, the terminal's foreground. The shell that started us waits for us alone, so
 * we have to stop as well. A stop that came through us is no news. */
static void child_stopped(struct init *init)
{
    if (init->options->suspend && !init->stopped_with_child && init_child_in_foreground(&init->child)) {
        stop_ourselves(init);
    }
}

/* Called before it is reaped, so that the process group of its number can be nobody else's. */
static void child_ended(struct init *init)
{
    init->ended = true;
    init_child_ended(&init->child);
    if (init->options->end_group) {
        (void) kill(-init->child.pid, SIGTERM); /* fails when nothing is left of it */
    }
}

static void note_orphan(const struct init *init, pid_t pid, int status)
{
    char text[CHILD_STATUS_SIZE];
    if (init->options->warn_reaped) {
        log_warn("Reaped zombie process with pid=%d (%s)", (int) pid, child_status(status, text));
    } else {
        log_debug("reaped process %d: %s", (int) pid, child_status(status, text));
    }
}

/* Its end must not be taken along here: a process that was stopped a moment ago may have been killed since. */
static void take_stop(struct init *init, pid_t pid)
{
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PID, (id_t) pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid == init->child.pid) {
        child_stopped(init);
    }
}

static void take_end(struct init *init, pid_t pid)
{
    int status = 0;
    if (pid == init->child.pid) {
        child_ended(init);
        (void) waitpid(pid, &init->status, 0);
    } else if (waitpid(pid, &status, 0) == pid) {
        note_orphan(init, pid, status);
    }
}

/* All that have ended or stopped: one SIGCHLD can stand for many. */
static void reap(struct init *init)
{
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
            return;
        }
        if (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED) {
            take_stop(init, info.si_pid);
        } else {
            take_end(init, info.si_pid);
        }
    }
}

static void forward(struct init *init, int number)
{
    char name[SIGNALS_NAME_SIZE];
    char sent_name[SIGNALS_NAME_SIZE];
    int sent = number <= INIT_SIGNAL_MAX ? init->options->rewrites[number] : number;
    if (sent == 0) {
        log_debug("Received %s, dropped", signals_name(number, name));
        return;
    }
    if (number == SIGCONT) {
        init->stopped_with_child = false;
        init_child_continued(&init->child);
    }
    log_debug("Received %s, forwarding %s", signals_name(number, name), signals_name(sent, sent_name));
    init_child_signal(&init->child, sent);
    if (init->options->suspend && (number == SIGTSTP || number == SIGTTIN || number == SIGTTOU)) {
        stop_ourselves(init);
    }
}

/* Sleeps in read(2) until the next signal, for as long as the command lives. */
static int run_loop(struct init *init, int signals_fd, struct err *err)
{
    while (!init->ended) {
        int sender = 0;
        int number = signals_next(signals_fd, &sender);
        if (number == 0) {
            return err_set_errno(err, ERR_INTERNAL, errno, "cannot read signals");
        }
        if (number == SIGCHLD) {
            log_debug("Received SIGCHLD");
            reap(init);
        } else if (sender != getpid()) { /* else our own doing: SIGPIPE of the log */
            forward(init, number);
        }
    }
    return 0;
}

static int prepare(const struct init_options *options, struct err *err)
{
    static const enum log_level levels[INIT_VERBOSITY_MAX + 1] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
                                                                  LOG_LEVEL_DEBUG};
    struct log_settings settings = {.level = levels[options->verbosity], .format = LOG_FORMAT_TEXT, .path = "stderr"};
    (void) log_open(&settings, NULL);
    log_role(options->name);
    int is_subreaper = 0;
    if (options->subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot become the reaper of orphans");
    }
    if (options->parent_death_signal != 0 && prctl(PR_SET_PDEATHSIG, options->parent_death_signal) != 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot ask for a signal at our parent's end");
    }
    if (getpid() != 1 && (prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper) != 0 || is_subreaper == 0)) {
        log_warn(
            "neither PID 1 nor a subreaper, so zombie reaping won't work, continuing; hint: run as PID 1, or with -s");
    }
    return 0;
}

static int exit_code_of(const struct init_options *options, int status)
{
    int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return options->is_success[code] ? 0 : code;
}

int supervise_init(char *const *arguments, char *const *environment, struct buffer *text, int *exit_code,
                   struct err *err)
{
    struct init_options options;
    int failure = init_options_parse(&options, arguments, environment, err);
    if (failure < 0) {
        return failure;
    }
    if (options.show != INIT_SHOW_NOTHING) {
        init_options_show(text, &options);
        *exit_code = 0;
        return 0;
    }
    struct init init = {.options = &options, .child = {.options = &options}};
    FILE_FD_AUTO signals_fd = init_child_block_signals(&init.child, err);
    if (signals_fd < 0 || prepare(&options, err) < 0) {
        return -(int) err->code;
    }
    reap(&init); /* what an earlier program in this process has left */
    failure = init_child_start(&init.child, err);
    if (failure < 0) {
        return failure;
    }
    log_info("process %d runs %s", (int) init.child.pid, options.command[0]);
    failure = run_loop(&init, signals_fd, err);
    if (failure < 0) {
        return failure;
    }
    *exit_code = exit_code_of(&options, init.status);
    log_info("exiting with %d", *exit_code);
    return 0;
}
