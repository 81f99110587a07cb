/* One datagram for each message, to the socket that NOTIFY_SOCKET names: a path, or "@" for an abstract name (unix(7)).
 * Not here: when anything is said (supervise). */
#include "supervise/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "digitalism/base/log.h"

static bool read_address(const char *name, struct sockaddr_un *out, socklen_t *out_length)
{
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof(out->sun_path)) {
        return false;
    }
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path, name, length);
    *out_length = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length);
    if (name[0] == '@') {
        out->sun_path[0] = '\0'; /* an abstract name has its length, and no NUL at its end */
    } else {
        *out_length += 1;
    }
    return true;
}

static void notify_send(const char *message, size_t length)
{
    struct sockaddr_un address;
    socklen_t address_length = 0;
    const char *name = getenv("NOTIFY_SOCKET");
    if (name == NULL || name[0] == '\0') {
        return;
    }
    if (!read_address(name, &address, &address_length)) {
        log_debug("NOTIFY_SOCKET is neither a path nor an abstract name that fits, nobody is told, continuing");
        return;
    }
    FILE_FD_AUTO fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || sendto(fd, message, length, MSG_NOSIGNAL, (struct sockaddr *) &address, address_length) < 0) {
        log_debug("cannot tell NOTIFY_SOCKET: %s, continuing", strerror(errno));
    }
}

void notify_ready(void)
{
    notify_send("READY=1", strlen("READY=1"));
}

void notify_stopping(void)
{
    notify_send("STOPPING=1", strlen("STOPPING=1"));
}

void notify_reloading(void)
{
    char message[64];
    /* The time tells the manager which of its requests this answers. */
    int length = snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_now_us());
    notify_send(message, (size_t) length);
}

void notify_status(const char *text)
{
    char message[sizeof("STATUS=") + NOTIFY_STATUS_BYTES_MAX];
    size_t length = strcspn(text, "\n");
    length = length > NOTIFY_STATUS_BYTES_MAX ? utf8_cut(text, NOTIFY_STATUS_BYTES_MAX) : length;
    int written = snprintf(message, sizeof(message), "STATUS=%.*s", (int) length, text);
    notify_send(message, (size_t) written);
}
