/* What is known of one city: from the cache, or from Nominatim with retries, at the pace, within limits.
 * Not here: which cities, and writing what was found (geocode.c). */
#ifndef GEOCODE_ASK_H
#define GEOCODE_ASK_H

#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/fetch.h"
#include "digitalism/geocode.h"
#include "geocode/cache.h"
#include "geocode/rate.h"

enum ask_verdict { ASK_CACHED, ASK_FOUND, ASK_UNKNOWN, ASK_REFUSED, ASK_FAILED, ASK_VERDICT_COUNT };

struct ask_result {
    enum ask_verdict verdict;
    double latitude; /* of ASK_CACHED and ASK_FOUND */
    double longitude;
};

struct ask {
    const struct geocode_options *options;
    struct cache *cache;
    int stop_fd;
    uint64_t *requests;
    struct fetch *fetch; /* made when the first request is due: a warm cache needs none */
    struct rate rate;
    struct fetch_answer answer;
    struct nominatim_place place;
    struct buffer url;
    struct buffer label;      /* the city, as a JSON string */
    int64_t trouble_since_ms; /* since when nothing of use came; 0: all is well */
    unsigned silent;          /* cities in a row without an answer */
    unsigned senseless;       /* cities in a row without one of use, those without any included */
};

void ask_init(struct ask *ask, const struct geocode_options *options, struct cache *cache, int stop_fd,
              uint64_t *requests);
void ask_done(struct ask *ask);

/* Finds a city's coordinates. What concerns this city alone is logged, and 0 with a verdict. What is wrong with all of
 * them is a failure that ends the run: 403, a redirect, silence or nonsense again and again. -ERR_INTERRUPTED. */
int ask_city(struct ask *ask, const char *city, const char *postal_code, struct ask_result *out, struct err *err);

#endif
