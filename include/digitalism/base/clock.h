/* Monotonic time for deadlines, exponential backoff, and UTC text for logs.
 * A deadline is an absolute monotonic time in milliseconds; CLOCK_NEVER is one that is never reached.
 * Not here: waiting; each event loop sleeps until its own next deadline. */
#ifndef DIGITALISM_BASE_CLOCK_H
#define DIGITALISM_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_NEVER    INT64_MAX
#define CLOCK_UTC_SIZE 28 /* "2026-11-22T09:00:00.123456Z" and its NUL */

int64_t clock_now_ms(void); /* CLOCK_MONOTONIC: never set back, has no relation to the date */
int64_t clock_now_us(void);

/* Milliseconds until the deadline, never negative. */
int64_t clock_remaining_ms(int64_t deadline_ms);

/* The same as poll(2) wants it: -1 for CLOCK_NEVER, else 0 … INT_MAX. */
int clock_poll_timeout(int64_t deadline_ms);

/* The earlier of two deadlines. */
int64_t clock_earlier(int64_t a_ms, int64_t b_ms);

/* Writes the present UTC time of day with 3 or 6 fraction digits (RFC 3339, section 5.6). Returns its length. */
size_t clock_format_utc(char text[static CLOCK_UTC_SIZE], int fraction_digits);

/* Doubling delays with jitter. `first_ms` and `max_ms` are set by the owner; `attempts` starts at 0. */
struct backoff {
    int64_t first_ms;
    int64_t max_ms;
    unsigned attempts;
};

/* The next delay: first_ms × 2^attempts, at most max_ms, ± 20 %. Counts one attempt. */
int64_t backoff_next_ms(struct backoff *backoff);
void backoff_reset(struct backoff *backoff);

#endif
