/* Waiting for PostgreSQL: done when OUR login on OUR database succeeds. Not here: what is done with it then. */
#ifndef DIGITALISM_WAIT_H
#define DIGITALISM_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"

struct wait_options {
    const struct db_target *target;
    int64_t timeout_ms;          /* overall deadline */
    bool database_may_be_absent; /* one that does not exist (3D000) is waited for like a server that does not answer */
    int stop_fd;                 /* base/stop.h */
};

/* Tries until a login succeeds, with delays of 100 ms to 2 s, one log line an attempt. -ERR_DATABASE at the deadline,
 * or at once where trying again cannot help (wrong password, unknown database); -ERR_INTERRUPTED on a stop. */
int wait_for_database(const struct wait_options *options, struct err *err);

#endif
