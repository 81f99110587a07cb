/* Telling people how a load goes: a bar on a terminal, else a line of the log every few seconds.
 * Not here: the summary at the end (summary.c). */
#ifndef ETL_PROGRESS_H
#define ETL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool has_bar;
    bool is_shown;
    uint64_t total;      /* records of all files */
    int64_t started_ms;  /* of the loading */
    uint64_t first_done; /* what was done already when it started */
    int64_t next_ms;
};

void progress_start(struct progress *progress, uint64_t total, uint64_t done);

/* Whether it is time to tell; asked often. */
bool progress_is_due(const struct progress *progress);

/* Tells that so many records are on the disk. */
void progress_tell(struct progress *progress, uint64_t done);

/* Takes the bar away, before something else is written. */
void progress_hide(struct progress *progress);

#endif
