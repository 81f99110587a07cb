/* The supervisor's signals as events, and the clean set that a child starts with.
 * Not here: what a signal means (policy). */
#ifndef SUPERVISE_SIGNALS_H
#define SUPERVISE_SIGNALS_H

#include <stdbool.h>

#include "digitalism/base/error.h"

/* Blocks every signal that can be blocked usefully and returns a descriptor that delivers them (signalfd(2)).
 * Dispositions are set to default first, whatever the parent left. Negative on failure. */
int signals_open(struct err *err);

/* The next signal's number, or 0 when there is none. `sender` gets its pid (0: the kernel). */
int signals_next(int signals_fd, int *sender);

/* In a child: every disposition default but SIGPIPE, which is ignored; nothing blocked, but SIGTERM if it `holds_term`.
 */
void signals_reset_in_child(bool holds_term);

/* "SIGTERM", or "signal 40"; from a static table or the caller's buffer. */
#define SIGNALS_NAME_SIZE 16
const char *signals_name(int signal_number, char text[static SIGNALS_NAME_SIZE]);

#endif
