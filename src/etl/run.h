/* What the parts of one run share, from the list of files to the last batch. Not here: anything that outlives the run.
 */
#ifndef ETL_RUN_H
#define ETL_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "digitalism/etl.h"
#include "etl/choice.h"
#include "etl/departments.h"
#include "etl/files.h"
#include "etl/fingerprint.h"
#include "etl/ledger.h"
#include "etl/loader.h"
#include "etl/progress.h"
#include "etl/rejects.h"

#define RUN_STOP_CHECK_RECORDS 4096

struct run {
    const struct etl_options *options;
    struct etl_summary *summary; /* the caller's */
    int stop_fd;
    struct files files;
    struct ledger_file *facts; /* one for each file */
    struct fingerprint_reading reading;
    struct ledger_run *ledgers; /* one for each file */
    struct rejects_tally tally;
    struct progress progress;
    struct buffer name; /* of the row at hand */

    /* Of one attempt: they end with its connections. */
    struct db *db; /* holds the lock, reads and writes the ledger */
    struct departments departments;
    struct choice choice;
    struct loader loader;
    uint64_t record;    /* of all files together */
    uint64_t records;   /* of all files together */
    uint64_t key_bytes; /* that their keys may take */
    uint64_t rows;      /* of those files that are loaded, for the limit of rejects */
    int64_t ledger_ms;  /* when the ledger's row is brought up to date next */
    bool has_moved;     /* something got onto the disk */
};

/* Reads all files to know them: faults of a file as a whole are found before anything of it is loaded, and where it
 * matters which record counts, that is decided. */
int run_examine(struct run *run, struct err *err);

/* Loads one file, or only sees its keys where the ledger says that it is loaded. */
int run_load(struct run *run, size_t index, struct err *err);

/* Tells how far a run (`context`) is, if that is due, and returns when it will be next. */
int64_t run_tell(void *context);

#endif
