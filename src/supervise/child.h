/* Making one child: fork, the clean state that it starts in, and the few descriptors that it keeps.
 * Not here: when to make one and what its end means (supervise). */
#ifndef SUPERVISE_CHILD_H
#define SUPERVISE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "digitalism/base/error.h"

/* All that a child gets from its parent. */
struct child_start {
    const char *role;    /* its name in the log */
    const int *keep_fds; /* kept open beside 0 to 2 and the log; every other descriptor is closed */
    size_t keep_count;
    bool holds_term;            /* SIGTERM stays blocked, and pending, until `run` opens it (base/stop.h) */
    int (*run)(void *argument); /* returns the exit code */
    void *argument;
};

/* Forks. The child is in a process group of its own (a terminal's Ctrl-C reaches the supervisor alone), dies with its
 * parent (PR_SET_PDEATHSIG), has the clean signal set of signals.h, and ends with run's exit code.
 * Returns its pid, or -ERR_INTERNAL. */
pid_t child_fork(const struct child_start *start, struct err *err);

/* A process's resident memory in bytes from /proc (proc(5), statm); 0 when that is not to be had. */
uint64_t child_rss_bytes(pid_t pid);

/* "exit code 3", "SIGSEGV (11)": the words for a wait(2) status. */
#define CHILD_STATUS_SIZE 48
const char *child_status(int wait_status, char text[static CHILD_STATUS_SIZE]);

#endif
