/* The service's listening sockets, one per worker slot, held by PID 1 for its whole life.
 * Not here: accepting from them (http). */
#ifndef SUPERVISE_LISTENERS_H
#define SUPERVISE_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "digitalism/base/error.h"

struct listeners {
    int *fds; /* room for count_max of them, or NULL */
    size_t count;
    size_t count_max;
    struct sockaddr_storage address; /* that all are bound to, with the port that was found for port 0 */
    socklen_t address_length;
    char url[128]; /* "http://127.0.0.1:8000", for the log */
};

/* Binds `count` sockets (of at most `count_max`) to the same address. They refuse connections until listeners_listen().
 * -ERR_LISTEN names the address. An address that somebody else uses is refused, another instance of this program
 * included. */
int listeners_bind(struct listeners *out, const char *host, uint16_t port, size_t count, size_t count_max,
                   struct err *err);
int listeners_listen(struct listeners *listeners, struct err *err);
uint16_t listeners_port(const struct listeners *listeners);

/* One more at the end, listening; and one less. Connections that still wait in the last one are reset, so that its
 * worker must have drained it. */
int listeners_add(struct listeners *listeners, struct err *err);
void listeners_remove(struct listeners *listeners);

/* Sends new connections only to the sockets that are marked, evenly. A socket that is not marked keeps its queue. With
 * none or all marked each gets its share. Best effort: without it the kernel goes on to choose among all. */
void listeners_steer(const struct listeners *listeners, const bool *marked);

/* Refuses new connections while those that are already queued, or half open, can still be accepted. Clients that are
 * turned away get no answer to their SYN until the sockets are closed, and a refusal then. Best effort. */
void listeners_refuse(const struct listeners *listeners);
void listeners_done(struct listeners *listeners);

#endif
