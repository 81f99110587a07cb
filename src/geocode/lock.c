/* The lock file.
 * Not here: what its times mean (rate.c). */
#include "geocode/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "digitalism/base/stop.h"

#define WAIT_MS       60000
#define POLL_MS_FIRST 1
#define POLL_MS_MAX   100
#define STAMPS_SIZE   64

int lock_open(struct lock *lock, const char *cache_path, struct err *err)
{
    buffer_clear(&lock->path);
    buffer_append_format(&lock->path, "%s.lock", cache_path);
    if (buffer_failed(&lock->path)) {
        return err_set(err, ERR_INTERNAL, "no memory for a path");
    }
    lock->fd = open(buffer_text(&lock->path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
    return lock->fd < 0 ? err_set_errno(err, ERR_CONFIG, errno, "cannot open %s", buffer_text(&lock->path)) : 0;
}

void lock_close(struct lock *lock)
{
    file_close(&lock->fd);
    buffer_done(&lock->path);
}

int lock_take(struct lock *lock, int stop_fd, struct err *err)
{
    if (lock->fd < 0) {
        return 0;
    }
    const int64_t deadline_ms = clock_now_ms() + WAIT_MS;
    /* flock(2) that waits would not hear the stop. */
    for (int64_t delay_ms = POLL_MS_FIRST; flock(lock->fd, LOCK_EX | LOCK_NB) != 0;
         delay_ms = clock_earlier(delay_ms * 2, POLL_MS_MAX)) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return err_set_errno(err, ERR_CONFIG, errno, "cannot lock %s", buffer_text(&lock->path));
        }
        if (clock_remaining_ms(deadline_ms) == 0) {
            return err_set(err, ERR_REMOTE, "another process has kept %s locked for %d s", buffer_text(&lock->path),
                           WAIT_MS / 1000);
        }
        int result = stop_sleep(stop_fd, delay_ms, err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

void lock_release(struct lock *lock)
{
    if (lock->fd >= 0) {
        (void) flock(lock->fd, LOCK_UN);
    }
}

struct lock_stamps lock_read(const struct lock *lock)
{
    char text[STAMPS_SIZE + 1];
    struct lock_stamps stamps = {.last_us = 0, .not_before_us = 0};
    ssize_t got = lock->fd < 0 ? -1 : pread(lock->fd, text, STAMPS_SIZE, 0);
    if (got <= 0) {
        return stamps;
    }
    text[got] = '\0';
    /* NOLINTNEXTLINE(bugprone-unused-return-value,cert-err34-c) */
    if (sscanf(text, "%" SCNd64 " %" SCNd64, &stamps.last_us, &stamps.not_before_us) != 2 || stamps.last_us < 0 ||
        stamps.not_before_us < 0) {
        return (struct lock_stamps){.last_us = 0, .not_before_us = 0};
    }
    return stamps;
}

void lock_write(const struct lock *lock, struct lock_stamps stamps)
{
    char text[STAMPS_SIZE];
    if (lock->fd < 0) {
        return;
    }
    int length = snprintf(text, sizeof(text), "%020" PRId64 " %020" PRId64 "\n", stamps.last_us, stamps.not_before_us);
    /* A disk that is full already holds a text of this length, or this process keeps its own pace. */
    (void) !pwrite(lock->fd, text, (size_t) length, 0);
}
