/* How a short-lived child learns that it must stop: SIGTERM, read as an event beside its sockets (signalfd(2)).
 * Not here: the supervisor's own signals. */
#ifndef DIGITALISM_BASE_STOP_H
#define DIGITALISM_BASE_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "digitalism/base/error.h"

#define STOP_NONE (-1) /* a stop descriptor that never becomes readable */

/* Blocks SIGTERM and returns a descriptor that stays readable once SIGTERM came. Until this call SIGTERM ends the
 * process at once, which is what a child wants that has nothing to undo. Negative on failure. */
int stop_open(struct err *err);

/* True once a stop was asked for. False for STOP_NONE. */
bool stop_requested(int stop_fd);

/* Sleeps; a stop ends the sleep with -ERR_INTERRUPTED. */
int stop_sleep(int stop_fd, int64_t duration_ms, struct err *err);

/* Waits until `fd` has one of the poll(2) `events`, the deadline has passed, or a stop is asked for.
 * Returns the events (> 0), 0 at the deadline, or -ERR_INTERRUPTED / -ERR_INTERNAL. */
int stop_poll(int stop_fd, int fd, short events, int64_t deadline_ms, struct err *err);

#endif
