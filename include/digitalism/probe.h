/* Asking a running instance: `digitalism health`. A small blocking client; not the server's side. */
#ifndef DIGITALISM_PROBE_H
#define DIGITALISM_PROBE_H

#include <stdint.h>

#include "digitalism/base/error.h"

/* GET /health of host:port (a wildcard address means loopback). 0 when the answer is 200 within the limit;
 * -ERR_LISTEN when nothing answers, or with another status, the message says which; -ERR_CONFIG for a port that is
 * none. The limit covers all but the resolution of a host's name. */
int probe_health(const char *host, int64_t port, int64_t timeout_ms, struct err *err);

#endif
