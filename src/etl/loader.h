/* Getting the rows of one file into PostgreSQL: each goes by its key to one of several parts, each part in batches
 * through one of several lanes. Not here: which rows count (choice.h), the ledger's row of the run (ledger.h). */
#ifndef ETL_LOADER_H
#define ETL_LOADER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "digitalism/etl.h"
#include "etl/departments.h"
#include "etl/lane.h"
#include "etl/ledger.h"
#include "etl/rejects.h"
#include "etl/row.h"

/* Reads the departments that are not deleted. -ERR_ETL when there is none. */
int loader_departments(struct db *db, struct departments *departments, struct err *err);

/* The lanes of a run, which its files use one after the other. Zeroed at first; release with loader_done(). */
struct loader {
    const struct etl_options *options;
    int stop_fd;
    bool is_empty; /* the table was, before the first load */
    struct lane lanes[ETL_JOBS_MAX];
    size_t lane_count; /* open ones, and those that are being opened */
    struct loader_opening {
        pthread_t thread;
        bool is_running;
        struct lane *lane;
        const struct etl_options *options;
        int failure;
        struct err err;
    } openings[ETL_JOBS_MAX];
    struct rejects_tally *tally;
    int64_t (*tell)(void *context); /* called while it waits, at the time that it returned last; may be NULL */
    void *tell_context;
    struct etl_counts durable; /* of the file at hand, with what earlier attempts had loaded */

    /* Of the file at hand. */
    const char *file;
    int64_t run;
    size_t part_count;
    struct loader_part {
        uint64_t position; /* the records up to this one were loaded before, and are passed over */
        uint64_t sent;     /* up to this one they are on their way */
        struct batch *filling;
    } parts[LEDGER_PARTS_MAX];
};

/* Looks whether there is any city yet. */
int loader_look(struct loader *loader, struct db *db, struct err *err);

/* Begins to open so many lanes, each in a thread of its own: logging in takes a while that can be used, and what goes
 * wrong is told by loader_begin(). */
void loader_open(struct loader *loader, size_t lane_count);

/* Begins a file: waits for the lanes that it needs, takes the ledger's places of its parts. */
int loader_begin(struct loader *loader, const char *file, const struct ledger_run *run, struct err *err);
void loader_done(struct loader *loader);

/* The part of a key, and of a record without one. */
size_t loader_part_of_row(const struct loader *loader, const struct row *row);
size_t loader_part_of_record(const struct loader *loader, uint64_t record);

/* Whether an earlier attempt has loaded a record of a part. */
bool loader_has(const struct loader *loader, size_t part, uint64_t record);

/* Puts a record into its part's batch, and sends that when it is full, waiting while too many are on their way. A stop
 * ends the wait with -ERR_INTERRUPTED. */
int loader_append(struct loader *loader, size_t part, const struct row *row, uint64_t record,
                  const struct csv_record *source, struct err *err);
int loader_append_reject(struct loader *loader, size_t part, const struct reject *reject, struct err *err);
int loader_count_duplicate(struct loader *loader, size_t part, uint64_t record, struct err *err);

/* All that is committed, on the disk or not. */
struct etl_counts loader_counts(const struct loader *loader);

/* Ends a file: sends what is not full and waits for all answers. */
int loader_finish(struct loader *loader, struct err *err);

/* Waits for what is on its way, and drops what is not, at most until the deadline: then it may be committed or not. */
int loader_abandon(struct loader *loader, int64_t deadline_ms, struct err *err);

#endif
