/* The pace of the requests: starts at least so far apart, over all processes of the machine that share a cache.
 * Not here: the file that they share (lock.h), sleeping. */
#ifndef GEOCODE_RATE_H
#define GEOCODE_RATE_H

#include <stdint.h>

#include "geocode/lock.h"

#define RATE_SILENCE_MAX_MS 300000 /* the longest silence that a server's Retry-After makes us keep */

struct rate {
    struct lock *lock;
    int64_t rate_us;
    struct lock_stamps own; /* of this process, for when nothing can be shared */
};

/* CLOCK_BOOTTIME: it goes on during a suspend, no one sets it, and all containers of a machine have the same. */
int64_t rate_now_us(void);

/* Pure. How long to wait before the next start. A moment that lies in the future, left by a clock that was another one
 * (before a reboot, in a time namespace), counts as now, and a silence that is too long as none. */
int64_t rate_wait_us(struct lock_stamps stamps, int64_t now_us, int64_t rate_us);

/* Takes the next start: 0 in `*wait_us` when it is now, else how long to sleep before trying again. -ERR_INTERRUPTED,
 * or what lock_take() said. */
int rate_try(struct rate *rate, int stop_fd, int64_t *wait_us, struct err *err);

/* The request that was just made went out only at this moment: name, TCP and TLS came before it. Counts from then on.
 */
int rate_sent(struct rate *rate, int64_t sent_us, int stop_fd, struct err *err);

/* The server asked everybody to be silent for so long, at most RATE_SILENCE_MAX_MS. */
int rate_silence(struct rate *rate, int64_t silence_ms, int stop_fd, struct err *err);

#endif
