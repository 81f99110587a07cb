/* Asking a running instance: `digitalism health` and `digitalism status`. Small blocking clients; not the server's
 * side. */
#ifndef DIGITALISM_PROBE_H
#define DIGITALISM_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "digitalism/base/error.h"

/* GET /health of host:port (a wildcard address means loopback). 0 when the answer is 200 within the limit;
 * -ERR_LISTEN when nothing answers, or with another status, the message says which; -ERR_CONFIG for a port that is
 * none. The limit covers all but the resolution of a host's name. */
int probe_health(const char *host, int64_t port, int64_t timeout_ms, struct err *err);

struct probe_status {
    int64_t port;        /* of the instance on this machine, or in this container */
    int64_t timeout_ms;  /* of one question */
    bool json;           /* the object as it comes, one line, instead of a table */
    bool watch;          /* again and again, until a signal ends the process */
    int64_t interval_ms; /* between two questions of a watch */
};

/* Asks the supervisor over its local socket and prints to stdout. -ERR_LISTEN when no instance serves the port here, it
 * belongs to another user, or it does not answer; while watching only the first question can fail so. -ERR_CONFIG for a
 * port that is none, -ERR_INTERNAL when stdout cannot be written. */
int probe_status(const struct probe_status *options, struct err *err);

#endif
