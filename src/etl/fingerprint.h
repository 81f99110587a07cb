/* What a load would do, as a hash: equal fingerprints, equal outcome. Not here: what is concluded from it (ledger.h).
 */
#ifndef ETL_FINGERPRINT_H
#define ETL_FINGERPRINT_H

#include <stddef.h>

#include "digitalism/base/error.h"
#include "digitalism/etl.h"
#include "etl/departments.h"
#include "etl/ledger.h"

/* Fills path, bytes and sha256 of a file. -ERR_ETL when it cannot be read. A stop ends it with -ERR_INTERRUPTED. */
int fingerprint_file(struct ledger_file *file, const char *path, int stop_fd, struct err *err);

/* Fills the fingerprints of a run's files from their content, the settings and the departments. In replace the files
 * that come later decide too, because their records win. */
int fingerprint_all(struct ledger_file *files, size_t count, const struct etl_options *options,
                    const struct departments *departments, struct err *err);

#endif
