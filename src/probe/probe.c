/* Asking /health of a running instance over one connection, within one deadline.
 * Not here: reading the answer's head (answer.c), what health means (api). */
#include "digitalism/probe.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "probe/answer.h"

#define HEAD_BYTES_MAX ((size_t) 16 * 1024)

/* What is asked, and until when. */
struct probe {
    const char *host;
    char port[8];
    char where[300]; /* "127.0.0.1:8000", for messages and the Host header */
    int64_t timeout_ms;
    int64_t deadline_ms;
};

static int fail_at_deadline(const struct probe *probe, struct err *err)
{
    return err_set(err, ERR_LISTEN, "no answer from %s within %lld ms", probe->where, (long long) probe->timeout_ms);
}

/* Waits for the event; -ERR_LISTEN at the deadline. */
static int wait_for(const struct probe *probe, int fd, short events, struct err *err)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    for (;;) {
        int ready = poll(&poll_fd, 1, clock_poll_timeout(probe->deadline_ms));
        if (ready > 0) {
            return 0;
        }
        if (ready == 0) {
            return fail_at_deadline(probe, err);
        }
        if (errno != EINTR) {
            return err_set_errno(err, ERR_INTERNAL, errno, "cannot wait for %s", probe->where);
        }
    }
}

static int fail_to_connect(const struct probe *probe, int error, struct err *err)
{
    int result = err_set_errno(err, ERR_LISTEN, error, "cannot connect to %s", probe->where);
    if (error == ECONNREFUSED) {
        err_hint(err, "is the service running, and is this its HOST and PORT? It listens once its stages are done");
    }
    return result;
}

/* Waits until a connection that was begun is made or refused. */
static int finish_connecting(const struct probe *probe, int fd, struct err *err)
{
    int error = 0;
    socklen_t size = sizeof(error);
    int result = wait_for(probe, fd, POLLOUT, err);
    if (result < 0) {
        return result;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    return error == 0 ? 0 : fail_to_connect(probe, error, err);
}

/* Returns a connected descriptor, or a negative code. */
static int connect_to(const struct probe *probe, const struct addrinfo *address, struct err *err)
{
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_set_errno(err, ERR_LISTEN, errno, "cannot make a socket for %s", probe->where);
    }
    int result = 0;
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        result = errno == EINPROGRESS ? finish_connecting(probe, fd, err) : fail_to_connect(probe, errno, err);
    }
    if (result < 0) {
        file_close(&fd);
        return result;
    }
    return fd;
}

/* Tries each address of the host until one takes the connection. The error is the last one's. */
static int connect_to_any(const struct probe *probe, struct err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    int failure = getaddrinfo(probe->host, probe->port, &hints, &addresses);
    if (failure != 0) {
        return err_set(err, ERR_LISTEN, "cannot resolve the host %s: %s", probe->host,
                       failure == EAI_SYSTEM ? strerror(errno) : gai_strerror(failure));
    }
    int result = -(int) ERR_LISTEN;
    for (const struct addrinfo *each = addresses; each != NULL && result < 0; each = each->ai_next) {
        result = connect_to(probe, each, err);
    }
    freeaddrinfo(addresses);
    return result;
}

static int send_request(const struct probe *probe, int fd, struct err *err)
{
    BUFFER_AUTO request = BUFFER_EMPTY;
    buffer_append_format(&request,
                         "GET /health HTTP/1.1\r\nHost: %s\r\nUser-Agent: digitalism-health\r\n"
                         "Accept: application/json\r\nConnection: close\r\n\r\n",
                         probe->where);
    if (buffer_failed(&request)) {
        return err_set(err, ERR_INTERNAL, "no memory for the request");
    }
    while (request.length > 0) {
        ssize_t sent = send(fd, request.data, request.length, MSG_NOSIGNAL);
        if (sent > 0) {
            buffer_consume(&request, (size_t) sent);
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return err_set_errno(err, ERR_LISTEN, errno, "cannot send to %s", probe->where);
        }
        int result = wait_for(probe, fd, POLLOUT, err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* Returns the status of the answer, or a negative code. What follows the head is not waited for. */
static int read_status(const struct probe *probe, int fd, struct err *err)
{
    char head[HEAD_BYTES_MAX];
    size_t length = 0;
    while (length < sizeof(head)) {
        int result = wait_for(probe, fd, POLLIN, err);
        if (result < 0) {
            return result;
        }
        ssize_t got = recv(fd, head + length, sizeof(head) - length, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, ERR_LISTEN, errno, "cannot read the answer of %s", probe->where);
        }
        if (got == 0) {
            return err_set(err, ERR_LISTEN, "%s closed the connection without a whole answer", probe->where);
        }
        length += (size_t) got;
        int status = probe_answer_status(head, length);
        if (status < 0) {
            return err_set(err, ERR_LISTEN, "%s does not answer in HTTP", probe->where);
        }
        if (status > 0) {
            return status;
        }
    }
    return err_set(err, ERR_LISTEN, "%s answers with more than %zu bytes of headers", probe->where, sizeof(head));
}

static int check_health(const struct probe *probe, struct err *err)
{
    int result = connect_to_any(probe, err);
    if (result < 0) {
        return result;
    }
    FILE_FD_AUTO fd = result;
    result = send_request(probe, fd, err);
    if (result < 0) {
        return result;
    }
    result = read_status(probe, fd, err);
    if (result < 0 || result == 200) {
        return result < 0 ? result : 0;
    }
    int status = result;
    result = err_set(err, ERR_LISTEN, "http://%s/health answers with status %d", probe->where, status);
    if (status == 503) {
        err_hint(err, "the service is stopping and wants no new clients; what it has, it still answers");
    }
    return result;
}

/* An address that means "all of this machine" when listening is none to connect to. */
static const char *host_to_ask(const char *host)
{
    if (host == NULL || host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "*") == 0) {
        return "127.0.0.1";
    }
    return strcmp(host, "::") == 0 || strcmp(host, "[::]") == 0 ? "::1" : host;
}

int probe_health(const char *host, int64_t port, int64_t timeout_ms, struct err *err)
{
    if (port < 1 || port > 65535) {
        int result = err_set(err, ERR_CONFIG, "port %lld cannot be asked", (long long) port);
        err_hint(err, "set PORT to the port that the service listens on");
        return result;
    }
    struct probe probe = {
        .host = host_to_ask(host), .timeout_ms = timeout_ms, .deadline_ms = clock_now_ms() + timeout_ms};
    bool has_colon = strchr(probe.host, ':') != NULL;
    (void) snprintf(probe.port, sizeof(probe.port), "%d", (int) port);
    (void) snprintf(probe.where, sizeof(probe.where), has_colon ? "[%s]:%s" : "%s:%s", probe.host, probe.port);
    return check_health(&probe, err);
}
