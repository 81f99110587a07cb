/* fork(2) and the set-up on its far side.
 * Not here: keeping track of children (supervise.c). */
#include "supervise/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "supervise/signals.h"

static bool is_kept(int fd, const struct child_start *start)
{
    if (fd <= STDERR_FILENO || fd == log_descriptor()) {
        return true;
    }
    for (size_t i = 0; i < start->keep_count; i++) {
        if (start->keep_fds[i] == fd) {
            return true;
        }
    }
    return false;
}

/* Closes the gaps between the kept descriptors; the last gap has no end. */
static void close_others(const struct child_start *start)
{
    int highest = log_descriptor();
    for (size_t i = 0; i < start->keep_count; i++) {
        highest = start->keep_fds[i] > highest ? start->keep_fds[i] : highest;
    }
    for (int fd = STDERR_FILENO + 1; fd < highest; fd++) {
        if (!is_kept(fd, start)) {
            (void) close(fd);
        }
    }
    unsigned first = (unsigned) (highest > STDERR_FILENO ? highest : STDERR_FILENO) + 1;
    (void) close_range(first, ~0U, 0);
}

static _Noreturn void child_main(const struct child_start *start, pid_t parent)
{
    (void) setpgid(0, 0);
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1); /* it died before the line above could tell the kernel */
    }
    close_others(start);
    log_role(start->role);
    signals_reset_in_child(start->holds_term);
    exit(start->run(start->argument));
}

pid_t child_fork(const struct child_start *start, struct err *err)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        child_main(start, parent);
    }
    if (pid < 0) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot fork %s", start->role);
    }
    return pid;
}

uint64_t child_rss_bytes(pid_t pid)
{
    char path[32];
    char text[128];
    (void) snprintf(path, sizeof(path), "/proc/%d/statm", (int) pid);
    FILE_FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    const char *second = strchr(text, ' '); /* the number of resident pages */
    return second == NULL ? 0 : strtoull(second, NULL, 10) * (uint64_t) sysconf(_SC_PAGESIZE);
}

const char *child_status(int wait_status, char text[static CHILD_STATUS_SIZE])
{
    if (WIFSIGNALED(wait_status)) {
        char name[SIGNALS_NAME_SIZE];
        (void) snprintf(text, CHILD_STATUS_SIZE, "%s (signal %d)", signals_name(WTERMSIG(wait_status), name),
                        WTERMSIG(wait_status));
    } else {
        (void) snprintf(text, CHILD_STATUS_SIZE, "exit code %d", WEXITSTATUS(wait_status));
    }
    return text;
}
