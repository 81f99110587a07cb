/* The command of `digitalism init`: its start, its terminal, and signals to it.
 * Not here: which signal it gets and when it has ended (init.c). */
#ifndef SUPERVISE_INIT_CHILD_H
#define SUPERVISE_INIT_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "digitalism/base/error.h"
#include "supervise/init_options.h"

struct init_child {
    const struct init_options *options;
    pid_t pid;
    bool has_terminal; /* we made its process group the terminal's foreground */
    /* What we were started with and it gets back. All else that we changed ends with exec(2). */
    sigset_t mask;
    struct sigaction on_child;
};

/* Blocks every signal and returns a descriptor that delivers them (signalfd(2)), with what was in force kept in *child.
 * A fault of our own still ends us: the kernel does not let a process block a SIGSEGV that it earned. */
int init_child_block_signals(struct init_child *child, struct err *err);

/* Starts the command. When this returns, its process group or session exists and it is about to be executed; a signal
 * sent from now on reaches it, whether that has happened or not. We are in the root directory then. */
int init_child_start(struct init_child *child, struct err *err);

/* Sends a signal to it or to its process group. */
void init_child_signal(const struct init_child *child, int number);

/* After we were continued: gives it the terminal again where the shell has given it to us. */
void init_child_continued(const struct init_child *child);

/* True while its process group is the terminal's foreground by our doing. */
bool init_child_in_foreground(const struct init_child *child);

/* Its end: the terminal's foreground is ours again, for whoever started us. */
void init_child_ended(const struct init_child *child);

#endif
