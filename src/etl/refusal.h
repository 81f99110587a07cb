/* What to do with a batch that PostgreSQL has refused. Not here: sending it again (lane.c). */
#ifndef ETL_REFUSAL_H
#define ETL_REFUSAL_H

#include "digitalism/base/error.h"
#include "etl/batch.h"
#include "etl/lane.h"

/* Whether the refusal is about what a row holds, by its SQLSTATE (PostgreSQL, appendix A): classes 22, 23 and 44, and
 * what triggers raise. */
bool refusal_is_of_rows(const struct err *refusal);

/* Makes the batch fit to be sent again: finds the rows that PostgreSQL does not take by trying, in transactions that
 * are rolled back, and turns them into rejects. Where the refusal is about others at the same time (a deadlock) the
 * batch is as before. Nothing must be on its way in the lane. Else the refusal itself is the error, with the batch's
 * place. */
int refusal_mend(struct lane *lane, struct batch *batch, struct err *err);

#endif
