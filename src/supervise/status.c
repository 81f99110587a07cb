/* The local socket that hands out what the scoreboard says.
 * Not here: how it is said (snapshot.c), the socket's name (base/local.h), asking and printing (probe). */
#include "supervise/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "digitalism/base/local.h"
#include "digitalism/base/log.h"
#include "supervise/child.h"
#include "supervise/snapshot.h"

enum {
    BACKLOG = 16,
    ANSWERS_MAX = 16, /* at one call, so that nobody can keep the supervisor from its work */
};

static uint16_t port_of(const char *url)
{
    const char *colon = strrchr(url, ':');
    char *end = NULL;
    unsigned long port = colon == NULL ? 0 : strtoul(colon + 1, &end, 10);
    return end != NULL && *end == '\0' && port <= UINT16_MAX ? (uint16_t) port : 0;
}

int status_open(const char *url, struct err *err)
{
    struct sockaddr_un address;
    uint16_t port = port_of(url);
    if (port == 0) {
        return err_set(err, ERR_INTERNAL, "no port in the url \"%s\" to tell the status for", url);
    }
    socklen_t length = local_address(&address, port);
    FILE_FD_AUTO fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *) &address, length) != 0 || listen(fd, BACKLOG) != 0) {
        bool is_taken = errno == EADDRINUSE;
        (void) err_set_errno(err, is_taken ? ERR_LISTEN : ERR_INTERNAL, errno,
                             "cannot tell the status of port %u on a local socket", port);
        if (is_taken) {
            err_hint(err, "another instance has the same port on another address");
        }
        return is_taken ? -(int) ERR_LISTEN : -(int) ERR_INTERNAL;
    }
    int result = fd;
    fd = -1; /* NOLINT(clang-analyzer-deadcode.DeadStores): the cleanup reads it */
    return result;
}

/* What does not fit into the socket's buffer at once is dropped with the connection: its reader sees no whole object.
 */
static void hand_out(int fd, const struct buffer *text)
{
    int bytes = (int) (2 * SNAPSHOT_BYTES_MAX);
    (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    ssize_t sent = send(fd, text->data, text->length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != (ssize_t) text->length) {
        log_debug("the status was not taken whole: %zd of %zu bytes", sent, text->length);
    }
}

void status_answer(int fd, const struct scoreboard *scoreboard)
{
    const struct snapshot_view view = {.now_ms = clock_now_ms(), .rss_bytes = child_rss_bytes};
    BUFFER_AUTO text = BUFFER_EMPTY;
    for (int i = 0; i < ANSWERS_MAX; i++) {
        uid_t uid;
        pid_t pid;
        FILE_FD_AUTO client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0) {
            return;
        }
        if (!local_peer(client, &uid, &pid) || !local_may_ask(uid, geteuid())) {
            log_debug("the status was refused to another user");
            continue;
        }
        if (text.length == 0) {
            snapshot_write(&text, scoreboard, &view);
            buffer_append_char(&text, '\n');
        }
        if (!buffer_failed(&text)) {
            hand_out(client, &text);
        }
    }
}
