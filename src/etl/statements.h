/* The statements of a batch. Not here: sending them (lane.h), the ledger's own (ledger.h). */
#ifndef ETL_STATEMENTS_H
#define ETL_STATEMENTS_H

#include <stdbool.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "digitalism/etl.h"

/* Prepares a connection for batches: its settings and the mode's statements. */
int statements_prepare(struct db *db, enum etl_mode mode, bool is_dry, struct err *err);

/* The name of the statement for a batch. `is_fresh`: no row of it is thought to be there; one that is refuses the
 * batch, which the other statement then takes. Dry runs have no such statement. */
const char *statements_name(bool is_fresh);

/* The parameters, in order. The rest, behind a dry run's five, are the batch's place and counts. */
enum batch_column {
    BATCH_NAME,
    BATCH_POSTAL_CODE,
    BATCH_DEPARTMENT,
    BATCH_LATITUDE,
    BATCH_LONGITUDE,
    BATCH_REJECT_RECORD,
    BATCH_REJECT_LINE,
    BATCH_REJECT_COLUMN,
    BATCH_REJECT_CODE,
    BATCH_REJECT_REASON,
    BATCH_REJECT_RAW,
    BATCH_COLUMN_COUNT
};
#define BATCH_ROW_COLUMNS 5 /* the first ones */

#endif
