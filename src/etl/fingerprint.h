/* What a load would do, as a hash: equal fingerprints, equal outcome. Not here: what is concluded from it (ledger.h).
 */
#ifndef ETL_FINGERPRINT_H
#define ETL_FINGERPRINT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "digitalism/base/error.h"
#include "digitalism/etl.h"
#include "etl/departments.h"
#include "etl/ledger.h"

/* Files being read for their hashes, in a thread: that takes about as long as logging in to PostgreSQL. Zeroed at
 * first. */
struct fingerprint_reading {
    struct ledger_file *files;
    char *const *paths;
    size_t count;
    int stop_fd;
    pthread_t thread;
    bool is_running;
    int failure;
    struct err err;
};

/* Begins to fill path, bytes and sha256 of all files. What is given must last until fingerprint_wait(). */
void fingerprint_start(struct fingerprint_reading *reading, struct ledger_file *files, char *const *paths, size_t count,
                       int stop_fd);

/* Waits until that is done; the outcome is the same each time. -ERR_ETL when a file cannot be read. A stop ends it with
 * -ERR_INTERRUPTED. */
int fingerprint_wait(struct fingerprint_reading *reading, struct err *err);

/* Fills the fingerprints of a run's files from their content, the settings and the departments. In replace the files
 * that come later decide too, because their records win. */
int fingerprint_all(struct ledger_file *files, size_t count, const struct etl_options *options,
                    const struct departments *departments, struct err *err);

#endif
