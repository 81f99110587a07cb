/* Loading communes from CSV files into `cities`, and the ledger of the loads. Not here: waiting and migrating, which
 * must have been done (migrating refuses poolers that would not keep our lock); coordinates that the files lack
 * (geocode.h). */
#ifndef DIGITALISM_ETL_H
#define DIGITALISM_ETL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/db.h"

enum etl_mode { ETL_MODE_SKIP, ETL_MODE_REPLACE, ETL_MODE_COUNT };

#define ETL_JOBS_MAX 16

enum etl_encoding { ETL_ENCODING_UTF8, ETL_ENCODING_CP1252, ETL_ENCODING_COUNT };

/* How the files are written. A byte order mark of UTF-8 is believed rather than `encoding`. */
struct etl_format {
    enum etl_encoding encoding;
    const char *columns; /* how the header calls our columns, as ETL_COLUMNS is written; NULL: by their usual names */
};

struct etl_options {
    const struct db_target *target;
    struct etl_format format;
    const char *const *paths; /* each a file, or a directory whose *.csv are loaded in name order */
    size_t path_count;
    enum etl_mode mode;
    bool is_dry;                   /* reads, validates, compares with the database, and writes nothing */
    bool is_forced;                /* loads from the beginning, whatever the ledger says */
    size_t jobs;                   /* connections that load at the same time, 1 … ETL_JOBS_MAX */
    size_t batch_size;             /* rows of one transaction */
    int64_t rejects_max;           /* used when rejects_max_permille is negative */
    int32_t rejects_max_permille;  /* of the rows read, 0 … 1000, or -1 */
    const char *rejects_directory; /* NULL, or where rejects are written as CSV too */
    int64_t connect_timeout_ms;
    int64_t wait_timeout_ms; /* how long PostgreSQL may be away in the middle */
    int64_t stop_timeout_ms; /* how long a stop waits for the batches on their way */
};

/* What became of the rows. read = inserted + updated + unchanged + duplicate + rejected, always. */
struct etl_counts {
    uint64_t read; /* records behind the header */
    uint64_t inserted;
    uint64_t updated;
    uint64_t unchanged; /* the key was there before the run, and nothing was written */
    uint64_t duplicate; /* another row of the same run has the key and wins: the first in skip, the last in replace */
    uint64_t rejected;
    uint64_t without_coordinates; /* loaded by this run, or found, without both coordinates */
};

struct etl_summary {
    struct etl_counts counts; /* of the runs of these files, with what earlier attempts at them had loaded */
    size_t files;             /* loaded to their end */
    size_t files_unchanged;   /* loaded before, so that there was nothing to do */
    uint64_t geocoded;        /* cities that got coordinates behind the load; set by who does that */
    int64_t last_run;         /* the ledger's row of the last file that was loaded, or found loaded; 0: none */
    int64_t duration_ms;
};

/* Whether a text will do as etl_format.columns: -ERR_CONFIG saying what is wrong with it. */
int etl_check_columns(const char *text, struct err *err);

/* Writes any CSV file as it is read, one JSON object a line and record, the header's included:
 * {"line":1,"fields":["a","b"]}, with the physical line on which the record starts; {"line":2,"error":"why"} in the
 * place of a record that a load would refuse whatever its columns. Needs no server, and of the columns only what tells
 * the delimiter. -ERR_ETL: the file cannot be read to its end, or has such records; what could be read has been
 * written. -ERR_INTERNAL: `out` cannot be written. */
int etl_print_records(const char *path, const struct etl_format *format, FILE *out, struct err *err);

/* Checks that every path can be read, before anything else runs. -ERR_ETL naming the path. Needs no server. */
int etl_check(const struct etl_options *options, struct err *err);

/* Loads all files. A load that was cut off goes on where it was; one that was done before has nothing to do. Counts
 * hold on failure too: what they say is on the disk. -ERR_ETL: a file cannot be read or lacks a column, or too many
 * rejects; -ERR_DATABASE: PostgreSQL stayed away; -ERR_INTERRUPTED. Takes SIGTERM over once it is connected. */
int etl_run(const struct etl_options *options, struct etl_summary *summary, struct err *err);

/* The summary as people read it, several lines with aligned counts, to be logged line by line; and as one JSON object
 * with a line end. */
void etl_summary_print(const struct etl_options *options, const struct etl_summary *summary, struct buffer *out);
void etl_summary_json(const struct etl_options *options, const struct etl_summary *summary, struct buffer *out);

/* Writes the ledger to stdout, newest run first: a table for people, or one JSON object a line. */
int etl_print_runs(const struct etl_options *options, bool json, struct err *err);

/* Writes the rejects of a run (0: the newest) to stdout as CSV. -ERR_ETL when there is no such run. */
int etl_print_rejects(const struct etl_options *options, int64_t run, struct err *err);

#endif
