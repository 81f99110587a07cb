/* Loading communes from CSV files into `cities`. Not here: waiting and migrating, which must have been done. */
#ifndef DIGITALISM_ETL_H
#define DIGITALISM_ETL_H

#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"

enum etl_mode { ETL_MODE_SKIP, ETL_MODE_REPLACE, ETL_MODE_COUNT };

struct etl_options {
    const struct db_target *target;
    const char *const *paths; /* each a file, or a directory whose *.csv are loaded in name order */
    size_t path_count;
    enum etl_mode mode;
    size_t batch_size;             /* rows of one transaction */
    int64_t rejects_max;           /* used when rejects_max_permille is negative */
    int32_t rejects_max_permille;  /* of the rows read, 0 … 1000, or -1 */
    const char *rejects_directory; /* NULL, or where rejects are written as CSV too */
    int64_t connect_timeout_ms;
};

/* What became of the rows. read = inserted + updated + unchanged + duplicate + rejected, always. */
struct etl_summary {
    uint64_t read; /* records behind the header */
    uint64_t inserted;
    uint64_t updated;
    uint64_t unchanged; /* the key was there before the run, and nothing was written */
    uint64_t duplicate; /* another row of the same run has the key and wins: the first in skip, the last in replace */
    uint64_t rejected;
    uint64_t without_coordinates; /* loaded by this run, or found, without both coordinates */
    size_t files;
    int64_t duration_ms;
    int64_t last_run; /* the row of digitalism_etl_runs that was opened last; 0: none */
};

/* Checks that every path can be read, before anything else runs. -ERR_ETL naming the path. Needs no server. */
int etl_check(const struct etl_options *options, struct err *err);

/* Loads all files. Counts hold on failure too. -ERR_ETL: a file cannot be read or lacks a column, or too many rejects;
 * -ERR_DATABASE; -ERR_INTERRUPTED. What was counted before is committed. Takes SIGTERM over once it is connected. */
int etl_run(const struct etl_options *options, struct etl_summary *summary, struct err *err);

/* The summary as people read it, several lines with aligned counts, to be logged line by line. */
struct buffer;
void etl_summary_print(const struct etl_summary *summary, struct buffer *out);

#endif
