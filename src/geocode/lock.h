/* The lock file beside the cache, which all processes of the machine share: who holds it may write the cache, and it
 * remembers when the last request was started.
 * Not here: what the times mean (rate.h). */
#ifndef GEOCODE_LOCK_H
#define GEOCODE_LOCK_H

#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"

/* Two moments of CLOCK_BOOTTIME in microseconds; 0: never. */
struct lock_stamps {
    int64_t last_us;       /* the last request was started */
    int64_t not_before_us; /* the server asked for silence until then */
};

struct lock {
    int fd; /* -1: it could not be opened, and everybody is alone */
    struct buffer path;
};
#define LOCK_CLOSED                                                                                                    \
    {                                                                                                                  \
        .fd = -1, .path = BUFFER_EMPTY                                                                                 \
    }

/* Opens `<cache>.lock`, creating it. -ERR_CONFIG naming the path. */
int lock_open(struct lock *lock, const char *cache_path, struct err *err);
void lock_close(struct lock *lock);

/* Waits for the lock (flock(2)), which others hold for milliseconds; does nothing for one that is not open. -ERR_REMOTE
 * after a minute; -ERR_INTERRUPTED. */
int lock_take(struct lock *lock, int stop_fd, struct err *err);
void lock_release(struct lock *lock);

/* To be called under the lock. What cannot be read is two zeros; what cannot be written is let go. */
struct lock_stamps lock_read(const struct lock *lock);
void lock_write(const struct lock *lock, struct lock_stamps stamps);

#endif
