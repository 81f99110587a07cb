/* The service's listening sockets, one per worker slot, held by PID 1 for its whole life.
 * Not here: accepting from them (http). */
#ifndef SUPERVISE_LISTENERS_H
#define SUPERVISE_LISTENERS_H

#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"

struct listeners {
    int *fds; /* count of them, or NULL */
    size_t count;
    char url[128]; /* "http://127.0.0.1:8000", for the log */
};

/* Binds `count` sockets to the same address. They refuse connections until listeners_listen(). -ERR_LISTEN names the
 * address. An address that somebody else uses is refused, another instance of this program included. */
int listeners_bind(struct listeners *out, const char *host, uint16_t port, size_t count, struct err *err);
int listeners_listen(struct listeners *listeners, struct err *err);

/* Refuses new connections while those that are already queued, or half open, can still be accepted. Clients that are
 * turned away get no answer to their SYN until the sockets are closed, and a refusal then. Best effort. */
void listeners_refuse(const struct listeners *listeners);
void listeners_done(struct listeners *listeners);

#endif
