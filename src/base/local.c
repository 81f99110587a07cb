/* The name of the status socket, and who is at its ends.
 * Not here: listening on it and asking over it. */
#include "digitalism/base/local.h"

#include <stddef.h>
#include <stdio.h>

socklen_t local_address(struct sockaddr_un *out, uint16_t port)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    /* The first byte stays NUL: that is what makes the name abstract. */
    int length = snprintf(out->sun_path + 1, sizeof(out->sun_path) - 1, "digitalism-%u", port);
    return (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + (size_t) length);
}

bool local_peer(int fd, uid_t *uid, pid_t *pid)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 || size != sizeof(credentials)) {
        return false;
    }
    *uid = credentials.uid;
    *pid = credentials.pid;
    return true;
}

bool local_may_ask(uid_t asker, uid_t service)
{
    return asker == 0 || asker == service;
}
