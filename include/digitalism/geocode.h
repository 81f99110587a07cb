/* Finding the coordinates that cities lack, by asking Nominatim, within its usage policy and with a cache on disk.
 * Not here: loading cities, which is over when this runs; asking over HTTP (fetch). docs/geocoding.md is its manual. */
#ifndef DIGITALISM_GEOCODE_H
#define DIGITALISM_GEOCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"

struct geocode_options {
    const struct db_target *target;
    int64_t run;               /* the row of digitalism_etl_runs that counts what is found; 0: none */
    const char *nominatim_url; /* http or https, also with credentials, a path, a query */
    const char *user_agent;
    int64_t rate_limit_ms; /* the least time between the starts of two requests of this machine */
    int64_t retries_max;   /* of one city's request */
    int64_t retry_delay_ms;
    int64_t request_timeout_ms;
    const char *cache_file;
    int64_t connect_timeout_ms; /* of PostgreSQL, one attempt */
    int64_t wait_timeout_ms;    /* how long a lost PostgreSQL is waited for */
};

/* What became of the cities without coordinates. */
struct geocode_summary {
    uint64_t pending; /* lacked coordinates at the start */
    uint64_t cached;  /* found in the cache */
    uint64_t asked;   /* found by Nominatim */
    uint64_t unknown; /* Nominatim knows no such place, now or as the cache remembers */
    uint64_t refused; /* Nominatim's answer cannot be true */
    uint64_t failed;  /* no usable answer */
    uint64_t requests;
    bool stopped; /* the run gave up before the last city; the log says why */
    int64_t duration_ms;
};

/* Goes through all live cities without coordinates, and writes each as soon as it is known. Takes SIGTERM over.
 * Whatever keeps it from its work is logged as a warning and is no failure: what is loaded stays loaded, and the next
 * run goes on. Only a stop is: -ERR_INTERRUPTED. The counts hold then too. For a short-lived child (see fetch_new()).
 */
int geocode_run(const struct geocode_options *options, struct geocode_summary *summary, struct err *err);

#endif
