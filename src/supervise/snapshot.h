/* The scoreboard as the JSON object that `digitalism status` reads.
 * Not here: the socket (status.h). */
#ifndef SUPERVISE_SNAPSHOT_H
#define SUPERVISE_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/scoreboard.h"

#define SNAPSHOT_BYTES_MAX ((size_t) 256 * 1024) /* of 256 workers with the longest values */

/* What is not on the scoreboard. */
struct snapshot_view {
    int64_t now_ms;                     /* monotonic */
    uint64_t (*rss_bytes)(int32_t pid); /* 0: not known */
};

/* Appends the object without a newline. README names its members. */
void snapshot_write(struct buffer *out, const struct scoreboard *scoreboard, const struct snapshot_view *view);

#endif
