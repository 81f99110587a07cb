/* Batches on their way into PostgreSQL: the rows, the rejects and the ledger's counts of one batch are one statement,
 * so that they are committed together or not at all. Not here: which rows are sent (etl.c). */
#ifndef ETL_LOADER_H
#define ETL_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "digitalism/etl.h"
#include "etl/array.h"
#include "etl/departments.h"
#include "etl/rejects.h"
#include "etl/row.h"

/* Reads the departments that are not deleted. -ERR_ETL when there is none. */
int loader_departments(struct db *db, struct departments *departments, struct err *err);

enum loader_column {
    LOADER_NAME,
    LOADER_POSTAL_CODE,
    LOADER_DEPARTMENT,
    LOADER_LATITUDE,
    LOADER_LONGITUDE,
    LOADER_REJECT_RECORD,
    LOADER_REJECT_LINE,
    LOADER_REJECT_COLUMN,
    LOADER_REJECT_CODE,
    LOADER_REJECT_REASON,
    LOADER_REJECT_RAW,
    LOADER_COLUMN_COUNT
};

/* Zeroed by loader_open(); release with loader_done(). */
struct loader {
    struct db *db; /* the caller's */
    const char *file;
    int64_t run;
    struct array columns[LOADER_COLUMN_COUNT];
    struct buffer text;       /* for one reject's text */
    struct etl_summary batch; /* of what is not yet committed */
    uint64_t committed;       /* records of the file that are */
};

/* Readies the connection: its settings and the mode's statement. Once for each connection. */
int loader_prepare(struct db *db, enum etl_mode mode, struct err *err);

void loader_open(struct loader *loader, struct db *db, const char *file, int64_t run);
void loader_done(struct loader *loader);

/* Puts into the batch; counts as read. A row's key must not be in the batch already. */
void loader_append(struct loader *loader, const struct row *row);
void loader_append_reject(struct loader *loader, const struct reject *reject);
void loader_count_duplicate(struct loader *loader);

/* Rows and rejects that the batch holds. */
size_t loader_held(const struct loader *loader);

/* Commits the batch, which must not be empty, and adds its counts to the total; then the batch is empty. `durable`:
 * returns when it is on the disk, and all batches before it; else PostgreSQL may lose it, whole, in a crash, as long as
 * no durable commit follows. On failure nothing of it is committed, or the connection was lost and it is unknown; the
 * total is as before.
 */
int loader_flush(struct loader *loader, bool durable, struct etl_summary *total, struct err *err);

#endif
