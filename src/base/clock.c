/* Time and backoff.
 * Not here: sleeping (stop.c), timers (the event loops' own). */
#include "digitalism/base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

int64_t clock_now_us(void)
{
    struct timespec now;
    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_now_ms(void)
{
    return clock_now_us() / 1000;
}

int64_t clock_remaining_ms(int64_t deadline_ms)
{
    int64_t now_ms = clock_now_ms();
    return deadline_ms > now_ms ? deadline_ms - now_ms : 0;
}

int clock_poll_timeout(int64_t deadline_ms)
{
    if (deadline_ms == CLOCK_NEVER) {
        return -1;
    }
    int64_t remaining_ms = clock_remaining_ms(deadline_ms);
    return remaining_ms > INT_MAX ? INT_MAX : (int) remaining_ms;
}

int64_t clock_earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

size_t clock_format_utc(char text[static CLOCK_UTC_SIZE], int fraction_digits)
{
    struct timespec now;
    struct tm utc;
    (void) clock_gettime(CLOCK_REALTIME, &now);
    (void) gmtime_r(&now.tv_sec, &utc);
    size_t length = strftime(text, CLOCK_UTC_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    long fraction = fraction_digits == 3 ? now.tv_nsec / 1000000 : now.tv_nsec / 1000;
    int more = snprintf(text + length, CLOCK_UTC_SIZE - length, ".%0*ldZ", fraction_digits == 3 ? 3 : 6, fraction);
    return length + (size_t) more;
}

/* A number in -20 … 20: jitter only spreads starters apart, so a failing getrandom may as well mean none. */
static int64_t jitter_percent(void)
{
    uint16_t random = 20;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t) sizeof(random)) {
        return 0;
    }
    return (int64_t) (random % 41) - 20;
}

int64_t backoff_next_ms(struct backoff *backoff)
{
    /* So far below the largest number that neither doubling nor the jitter's percents can leave the range. */
    int64_t max_ms = clock_earlier(backoff->max_ms, INT64_MAX / 200);
    int64_t delay_ms = clock_earlier(backoff->first_ms, max_ms);
    for (unsigned i = 0; i < backoff->attempts && delay_ms > 0 && delay_ms < max_ms; i++) {
        delay_ms = clock_earlier(delay_ms * 2, max_ms);
    }
    backoff->attempts += 1;
    return delay_ms + delay_ms * jitter_percent() / 100;
}

void backoff_reset(struct backoff *backoff)
{
    backoff->attempts = 0;
}
