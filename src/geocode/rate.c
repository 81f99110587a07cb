/* The pace of the requests.
 * Not here: the file that it is shared by (lock.c). */
#include "geocode/rate.h"

#include <time.h>

#define SILENCE_MAX_US (INT64_C(1000) * RATE_SILENCE_MAX_MS)

int64_t rate_now_us(void)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t rate_wait_us(struct lock_stamps stamps, int64_t now_us, int64_t rate_us)
{
    int64_t pace_us = 0;
    if (stamps.last_us > 0) {
        pace_us = earlier(stamps.last_us, now_us) + rate_us - now_us;
    }
    int64_t silence_us = stamps.not_before_us - now_us;
    if (silence_us > SILENCE_MAX_US) {
        silence_us = 0; /* nobody keeps so long a silence: it was written by another clock */
    }
    return later(later(pace_us, silence_us), 0);
}

/* Brings what this process knows together with what all know, and shares it again. */
static int update(struct rate *rate, void (*change)(struct rate *rate, int64_t value_us), int64_t value_us, int stop_fd,
                  struct err *err)
{
    int result = lock_take(rate->lock, stop_fd, err);
    if (result < 0) {
        return result;
    }
    /* Without a file to share there is only what this process remembers. */
    if (rate->lock->fd >= 0) {
        rate->own = lock_read(rate->lock);
    }
    change(rate, value_us);
    lock_write(rate->lock, rate->own);
    lock_release(rate->lock);
    return 0;
}

static void set_last(struct rate *rate, int64_t sent_us)
{
    rate->own.last_us = later(earlier(rate->own.last_us, rate_now_us()), sent_us);
}

static void set_silence(struct rate *rate, int64_t until_us)
{
    rate->own.not_before_us = later(earlier(rate->own.not_before_us, rate_now_us() + SILENCE_MAX_US), until_us);
}

int rate_try(struct rate *rate, int stop_fd, int64_t *wait_us, struct err *err)
{
    int result = lock_take(rate->lock, stop_fd, err);
    if (result < 0) {
        return result;
    }
    if (rate->lock->fd >= 0) {
        rate->own = lock_read(rate->lock);
    }
    int64_t now_us = rate_now_us();
    *wait_us = rate_wait_us(rate->own, now_us, rate->rate_us);
    /* A moment of another clock counts as now once, not each time that somebody looks. */
    if (*wait_us == 0 || rate->own.last_us > now_us) {
        rate->own.last_us = now_us;
        lock_write(rate->lock, rate->own);
    }
    lock_release(rate->lock);
    return 0;
}

int rate_sent(struct rate *rate, int64_t sent_us, int stop_fd, struct err *err)
{
    return update(rate, set_last, sent_us, stop_fd, err);
}

int rate_silence(struct rate *rate, int64_t silence_ms, int stop_fd, struct err *err)
{
    int64_t silence_us = earlier(silence_ms * 1000, SILENCE_MAX_US);
    return update(rate, set_silence, rate_now_us() + silence_us, stop_fd, err);
}
