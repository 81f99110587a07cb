/* What `digitalism init` was asked to do, as plain values.
 * Not here: doing it (init.c). */
#ifndef SUPERVISE_INIT_OPTIONS_H
#define SUPERVISE_INIT_OPTIONS_H

#include <stdbool.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"

/* Whose habits apply where no option says otherwise. */
enum init_style { INIT_PLAIN, INIT_TINI, INIT_DUMB };

/* What to print instead of running anything. */
enum init_show { INIT_SHOW_NOTHING, INIT_SHOW_HELP, INIT_SHOW_VERSION, INIT_SHOW_LICENCE };

#define INIT_SIGNAL_MAX    31 /* the last signal that can be rewritten */
#define INIT_EXIT_CODE_MAX 255
#define INIT_VERBOSITY_MAX 3

struct init_options {
    const char *name; /* of us, in messages */
    enum init_style style;
    enum init_show show;
    bool session;            /* the command leads a session of its own (setsid(2)), else only a process group */
    bool group;              /* signals go to its whole process group */
    bool end_group;          /* what is left of its process group when it has ended gets SIGTERM */
    bool suspend;            /* SIGTSTP, SIGTTIN and SIGTTOU stop us too, once they were forwarded */
    bool subreaper;          /* orphans come to us without being PID 1 (PR_SET_CHILD_SUBREAPER) */
    bool warn_reaped;        /* a warning for each orphan reaped */
    int verbosity;           /* 0: errors, 1: warnings, 2: what happens, 3: everything */
    int parent_death_signal; /* what we get when our parent ends; 0: nothing */
    int rewrites[INIT_SIGNAL_MAX + 1];       /* what is forwarded for a signal; 0: nothing */
    bool is_success[INIT_EXIT_CODE_MAX + 1]; /* exit codes of the command that become 0 */
    char *const *command;                    /* NULL-ended, at least one word unless something is shown */
};

/* `arguments` and `environment` as for supervise_init(); the result points into them. -ERR_CONFIG on anything unknown,
 * missing or out of range. */
int init_options_parse(struct init_options *out, char *const *arguments, char *const *environment, struct err *err);

/* The style that a name of ours and the environment select. */
enum init_style init_options_style(const char *path, char *const *environment);

/* What is printed for `show`. */
void init_options_show(struct buffer *out, const struct init_options *options);

#endif
