/* The bar and the line.
 * Not here: when there is something to tell (load.c). */
#include "etl/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"

#define LINE_MS   5000
#define BAR_MS    200
#define BAR_WIDTH 30

void progress_start(struct progress *progress, uint64_t total, uint64_t done)
{
    *progress = (struct progress){.has_bar = isatty(STDERR_FILENO) == 1 && log_enabled(LOG_LEVEL_INFO),
                                  .total = total,
                                  .started_ms = clock_now_ms(),
                                  .first_done = done};
    progress->next_ms = progress->started_ms + (progress->has_bar ? BAR_MS : LINE_MS);
}

bool progress_is_due(const struct progress *progress)
{
    return clock_remaining_ms(progress->next_ms) == 0;
}

static void append_left(struct buffer *text, uint64_t seconds)
{
    if (seconds >= 3600) {
        buffer_append_format(text, "%" PRIu64 "h%02" PRIu64 "m", seconds / 3600, seconds / 60 % 60);
    } else if (seconds >= 60) {
        buffer_append_format(text, "%" PRIu64 "m%02" PRIu64 "s", seconds / 60, seconds % 60);
    } else {
        buffer_append_format(text, "%" PRIu64 "s", seconds);
    }
}

static void draw(const struct buffer *text, uint64_t percent)
{
    char bar[BAR_WIDTH + 1];
    for (uint64_t i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i * 100 < percent * BAR_WIDTH ? '#' : '.';
    }
    bar[BAR_WIDTH] = '\0';
    (void) fprintf(stderr, "\r[%s] %3" PRIu64 " %%  %s\033[K", bar, percent, buffer_text(text));
    (void) fflush(stderr);
}

void progress_tell(struct progress *progress, uint64_t done)
{
    int64_t now_ms = clock_now_ms();
    uint64_t elapsed_ms = (uint64_t) (now_ms - progress->started_ms) + 1;
    uint64_t moved = done > progress->first_done ? done - progress->first_done : 0;
    uint64_t rate = moved * 1000 / elapsed_ms;
    uint64_t percent = progress->total == 0 ? 100 : done * 100 / progress->total;
    BUFFER_AUTO text = BUFFER_EMPTY;
    buffer_append_format(&text, "%" PRIu64 " of %" PRIu64 " rows, %" PRIu64 " rows/s", done, progress->total, rate);
    if (rate > 0 && done < progress->total) {
        buffer_append_text(&text, ", ");
        append_left(&text, (progress->total - done) / rate);
        buffer_append_text(&text, " left");
    }
    if (progress->has_bar) {
        draw(&text, percent);
        progress->is_shown = true;
    } else {
        log_info("loaded %s (%" PRIu64 " %%)", buffer_text(&text), percent);
    }
    progress->next_ms = now_ms + (progress->has_bar ? BAR_MS : LINE_MS);
}

void progress_hide(struct progress *progress)
{
    if (progress->is_shown) {
        (void) fputs("\r\033[K", stderr);
        (void) fflush(stderr);
        progress->is_shown = false;
    }
}
