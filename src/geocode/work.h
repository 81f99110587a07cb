/* The database's side: which cities lack coordinates, and writing what was found. A connection that is lost is opened
 * again.
 * Not here: where coordinates come from. */
#ifndef GEOCODE_WORK_H
#define GEOCODE_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "digitalism/geocode.h"

struct work {
    const struct geocode_options *options;
    int stop_fd;
    struct db *db;
    struct db_result *slice; /* a few hundred cities at a time, in the order of their ids */
    size_t next;             /* in the slice */
    int64_t last_id;
};

/* Connects. Every call here waits up to options->wait_timeout_ms for a PostgreSQL that is away, with growing pauses;
 * then, or for what does not pass, -ERR_DATABASE. -ERR_INTERRUPTED. */
int work_open(struct work *work, const struct geocode_options *options, int stop_fd, struct err *err);
void work_close(struct work *work);

/* How many live cities lack coordinates. */
int work_count(struct work *work, uint64_t *out, struct err *err);

/* A city; the texts are valid until the next one is asked for. */
struct work_city {
    int64_t id;
    const char *name;
    const char *postal_code;
};

/* 1 with the next city, 0 behind the last. */
int work_next(struct work *work, struct work_city *out, struct err *err);

/* Writes the coordinates of a city that still lacks them, and counts it in the run's row, in one transaction.
 * *is_written tells whether it did. */
int work_write(struct work *work, int64_t id, double latitude, double longitude, bool *is_written, struct err *err);

#endif
