/* PID 1 for any other program: starts it, hands it every signal, reaps orphans, ends with its exit code. Takes the
 * options of tini and dumb-init; docs/init.md says how, and where the two differ.
 * Not here: the supervisor of our own service (supervise.h). */
#ifndef DIGITALISM_SUPERVISE_INIT_H
#define DIGITALISM_SUPERVISE_INIT_H

#include <stdbool.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"

/* True for the last part of a path that is "tini" or "dumb-init": a link of that name to our executable is meant to be
 * that program. */
bool supervise_init_is_name(const char *path);

/* arguments[0] is the name that we were called by ("init", or a path with a name as above), options and the command
 * stand behind it, NULL ends them. `environment` as environ(7).
 *
 * Returns 0 with *exit_code: the command's own, 128+N when signal N ended it, 127 when it was not found, 126 when it
 * could not be executed. For --help and the like nothing runs, `text` gets what to print, and *exit_code is 0.
 * -ERR_CONFIG: the arguments are wrong, nothing ran. -ERR_INTERNAL: no descriptor or process to be had.
 *
 * Call it once, with no thread running: signals, children, the working directory and the log are its own from there on.
 * The command gets the signal mask and dispositions, the descriptors and the working directory that we were started
 * with. It is killed should we be killed. */
int supervise_init(char *const *arguments, char *const *environment, struct buffer *text, int *exit_code,
                   struct err *err);

/* What the named program exits with on wrong arguments: 1 for tini and dumb-init, which their users know, else 2. */
int supervise_init_usage_code(const char *path, char *const *environment);

#endif
