/* The local socket on which a supervisor tells its status: a name in Linux's abstract namespace (unix(7)), which needs
 * no writable directory, belongs to a network namespace like the port it stands for, and goes with its last holder.
 * Not here: what is said over it (supervise/status), asking (probe). */
#ifndef DIGITALISM_BASE_LOCAL_H
#define DIGITALISM_BASE_LOCAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/* Fills the address that belongs to a TCP port. Returns its length, as bind(2) and connect(2) want it. */
socklen_t local_address(struct sockaddr_un *out, uint16_t port);

/* Who is at the other end of a connected socket: of its connect(2), or of its listen(2). False when it cannot be
 * told. Anybody can bind or connect to an abstract name, so that both ends must look. */
bool local_peer(int fd, uid_t *uid, pid_t *pid);

/* The status is for the user that the service runs as, and for root. */
bool local_may_ask(uid_t asker, uid_t service);

#endif
