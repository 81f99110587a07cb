/* Waiting for PostgreSQL: done when OUR login on OUR database succeeds. Not here: what is done with it then. */
#ifndef DIGITALISM_WAIT_H
#define DIGITALISM_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"

struct wait_options {
    const struct db_target *const *targets; /* waited for one after the other */
    size_t target_count;
    int64_t timeout_ms;          /* overall deadline, for all of them together */
    bool database_may_be_absent; /* one that does not exist (3D000) is waited for like a server that does not answer */
    int stop_fd;                 /* base/stop.h */
};

/* Tries until a login succeeds on each target. An attempt takes 5 s at most, names included, and at least one is made.
 * In between are 100 ms, growing to 2 s while a server answers and to 0.7 s while none does, ±20 %; one log line an
 * attempt, which names user, host, database and reason, never a password.
 *
 * Over TCP one success is enough. Over a Unix socket it takes two, 1 s apart and without a failure between them: the
 * first start of PostgreSQL's official image answers there, then restarts. The second may come a second or two after
 * the deadline, so that a running server is found ready however short the timeout is.
 *
 * What the database module calls transient is waited out. -ERR_DATABASE at the deadline, or at once where trying again
 * cannot help (wrong password, unknown database, bad options, a certificate that is not trusted); -ERR_INTERRUPTED on a
 * stop. */
int wait_for_database(const struct wait_options *options, struct err *err);

#endif
