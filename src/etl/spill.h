/* The keys of files that have more of them than fit into memory: PostgreSQL sorts them, in temporary tables that end
 * with the connection, and tells which records lose. Not here: when that is needed (choice.h). */
#ifndef ETL_SPILL_H
#define ETL_SPILL_H

#include <stdbool.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "etl/row.h"

/* Zeroed at first; release with spill_done(). */
struct spill {
    struct db *db;      /* the caller's */
    struct buffer copy; /* rows on their way to PostgreSQL, in COPY's binary form */
    struct db_result *losers;
    size_t loser_at;
    bool is_at_end;
};

int spill_start(struct spill *spill, struct db *db, struct err *err);
void spill_done(struct spill *spill);

int spill_add(struct spill *spill, const struct row *row, uint64_t record, struct err *err);

/* Ends the adding. The record that counts for a key is the last one or the first one; all others lose. */
int spill_sort(struct spill *spill, bool last_counts, struct err *err);

/* Whether a record loses. To be asked in rising order of records. */
int spill_loses(struct spill *spill, uint64_t record, bool *loses, struct err *err);

#endif
