/* Which of several records with one key counts: over all files of a run the first in skip, the last in replace.
 * Not here: the table of keys (keys.h), sorting more keys than fit into it (spill.h). */
#ifndef ETL_CHOICE_H
#define ETL_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "digitalism/etl.h"
#include "etl/keys.h"
#include "etl/row.h"
#include "etl/spill.h"

/* Records are numbered through all files, from 1. Zeroed at first, with `mode` set; release with choice_done(). */
struct choice {
    enum etl_mode mode;
    struct keys keys;
    bool is_spilled; /* the keys are in PostgreSQL */
    bool is_sorted;
    struct spill spill;
};

void choice_done(struct choice *choice);

/* Looks at a row before anything is loaded: needed for all rows, in order, in replace, and in skip once spilled. False
 * in *fits: there are more keys than fit into memory; start again after choice_spill(). */
int choice_foresee(struct choice *choice, const struct row *row, uint64_t record, bool *fits, struct err *err);

/* From here on keys are kept by PostgreSQL, in a temporary table of this connection, which must last as long as the
 * choice. choice_sort() ends the foreseeing. */
int choice_spill(struct choice *choice, struct db *db, struct err *err);
int choice_sort(struct choice *choice, struct err *err);

/* Whether the record is the one that counts. To be asked for all rows, in order. */
int choice_counts(struct choice *choice, const struct row *row, uint64_t record, bool *counts, struct err *err);

#endif
