/* What is already known of cities: places found, in the file of the Python system, and places that are not known to
 * Nominatim, in a file beside it that the Python system does not read.
 * Not here: how such files are kept (store.h), asking. */
#ifndef GEOCODE_CACHE_H
#define GEOCODE_CACHE_H

#include <stdbool.h>

#include "digitalism/base/error.h"
#include "geocode/lock.h"
#include "geocode/nominatim.h"
#include "geocode/store.h"

#define CACHE_UNKNOWN_DAYS 30 /* how long a place that was not known is not asked for again */

struct cache {
    struct store places;  /* `<path>`: "paris_75001" → latitude, longitude, display_name, city, postcode */
    struct store unknown; /* `<path>.negative`: "paris_75001" → city, postcode, asked_at (seconds since 1970, UTC) */
    struct lock lock;     /* `<path>.lock` */
    bool has_warned;      /* that answers cannot be kept, which is said once */
};
#define CACHE_EMPTY                                                                                                    \
    {                                                                                                                  \
        .places = STORE_EMPTY, .unknown = STORE_EMPTY, .lock = LOCK_CLOSED                                             \
    }

/* Opens the cache, making its directory; a symbolic link is followed once and for all. What keeps it from being read or
 * written is logged, and it works in memory then. A file that is no JSON object is moved aside. Fails only where memory
 * is short, or with -ERR_INTERRUPTED. */
int cache_open(struct cache *cache, const char *path, int stop_fd, struct err *err);
void cache_close(struct cache *cache);

enum cache_answer { CACHE_NOTHING, CACHE_PLACE, CACHE_UNKNOWN };

/* What is known of a city, also by other processes by now. `latitude` and `longitude` are filled for CACHE_PLACE.
 * An entry without usable coordinates is nothing; `is_bad` tells of it. */
enum cache_answer cache_find(struct cache *cache, const char *city, const char *postal_code, double *latitude,
                             double *longitude, bool *is_bad);

/* Keeps a place, or with NULL that there is none, on the disk when it returns. What other processes have kept is kept.
 * What goes wrong is logged, once. -ERR_INTERRUPTED: it is not kept. */
int cache_keep(struct cache *cache, const char *city, const char *postal_code, const struct nominatim_place *place,
               int stop_fd, struct err *err);

/* Appends the key of a city: its name in lower case, `_`, its postal code. */
void cache_key(struct buffer *out, const char *city, const char *postal_code);

/* Appends a number so that it reads back as the same double, with a point or an exponent, as Python's json writes it.
 */
void cache_number(struct buffer *out, double number);

#endif
