/* Binding SO_REUSEPORT sockets without sharing the port with strangers.
 * Not here: accepting (http). */
#include "supervise/listeners.h"

#include <errno.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "digitalism/base/file.h"

#define LISTENERS_STEERED_MAX 256  /* a program has room for 4,096 instructions, two for each */
#define BACKLOG               4096 /* the kernel lowers it to net.core.somaxconn */

static int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

static int resolve(struct addrinfo **out, const char *host, uint16_t port, struct err *err)
{
    char service[8];
    (void) snprintf(service, sizeof(service), "%u", port);
    struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int failure = getaddrinfo(host, service, &hints, out);
    if (failure != 0) {
        (void) err_set(err, ERR_LISTEN, "cannot resolve the address %s to listen on: %s", host, gai_strerror(failure));
        err_hint(err, "set HOST to an address of this machine, or to 0.0.0.0 for all of them");
        return -ERR_LISTEN;
    }
    return 0;
}

static int refused(struct err *err, int errno_value, const char *host, uint16_t port)
{
    (void) err_set_errno(err, ERR_LISTEN, errno_value, "cannot listen on %s port %u", host, port);
    if (errno_value == EADDRINUSE) {
        err_hint(err, "another program or another instance of this one uses the port: stop it, or set PORT");
    } else if (errno_value == EACCES) {
        err_hint(err, "ports below 1024 need a privilege that this process does not have: set PORT to a higher one");
    } else if (errno_value == EADDRNOTAVAIL) {
        err_hint(err, "HOST is not an address of this machine: set it to one, or to 0.0.0.0 for all of them");
    }
    return -ERR_LISTEN;
}

static int open_socket(const struct listeners *listeners)
{
    int fd = socket(listeners->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && listeners->address.ss_family == AF_INET6) {
        (void) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0); /* "::" is for IPv4 clients too */
    }
    return fd;
}

static int bind_socket(const struct listeners *listeners, int fd)
{
    return bind(fd, (const struct sockaddr *) &listeners->address, listeners->address_length);
}

/* SO_REUSEPORT would let a second instance share the port in silence, so a bind without it is tried first. It ignores
 * connections in TIME_WAIT (SO_REUSEADDR on both sides), but not our own sockets that are bound and do not listen yet:
 * those get SO_REUSEADDR only when they start to listen. */
static int try_alone(const struct listeners *listeners)
{
    FILE_FD_AUTO fd = open_socket(listeners);
    if (fd < 0 || set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0 || bind_socket(listeners, fd) != 0) {
        return errno;
    }
    return 0;
}

static int bind_shared(int *out, const struct listeners *listeners)
{
    FILE_FD_AUTO fd = open_socket(listeners);
    if (fd < 0 || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0 || bind_socket(listeners, fd) != 0) {
        return errno;
    }
    *out = fd;
    fd = -1; /* NOLINT(clang-analyzer-deadcode.DeadStores): the cleanup reads it */
    return 0;
}

static void describe(struct listeners *listeners)
{
    char host[64];
    char port[8];
    if (getnameinfo((const struct sockaddr *) &listeners->address, listeners->address_length, host, sizeof(host), port,
                    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        bool is_v6 = listeners->address.ss_family == AF_INET6;
        (void) snprintf(listeners->url, sizeof(listeners->url), "http://%s%s%s:%s", is_v6 ? "[" : "", host,
                        is_v6 ? "]" : "", port);
    }
}

/* Binds the next one. With port 0 the first one decides for all. Returns an errno value. */
static int bind_next(struct listeners *listeners)
{
    int errno_value = bind_shared(&listeners->fds[listeners->count], listeners);
    if (errno_value == 0) {
        listeners->address_length = sizeof(listeners->address);
        (void) getsockname(listeners->fds[listeners->count], (struct sockaddr *) &listeners->address,
                           &listeners->address_length);
        listeners->count += 1;
    }
    return errno_value;
}

int listeners_bind(struct listeners *out, const char *host, uint16_t port, size_t count, size_t count_max,
                   struct err *err)
{
    struct addrinfo *address = NULL;
    int failure = resolve(&address, host, port, err);
    if (failure < 0) {
        return failure;
    }
    struct listeners listeners = {
        .fds = calloc(count_max, sizeof(int)), .count_max = count_max, .address_length = address->ai_addrlen};
    memcpy(&listeners.address, address->ai_addr, address->ai_addrlen);
    freeaddrinfo(address);
    if (listeners.fds == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for %zu listeners", count_max);
    }
    int errno_value = try_alone(&listeners);
    while (errno_value == 0 && listeners.count < count) {
        errno_value = bind_next(&listeners);
    }
    if (errno_value != 0) {
        listeners_done(&listeners);
        return refused(err, errno_value, host, port);
    }
    describe(&listeners);
    *out = listeners;
    return 0;
}

uint16_t listeners_port(const struct listeners *listeners)
{
    /* At the same place for IPv4 and IPv6. */
    return ntohs(((const struct sockaddr_in *) (const void *) &listeners->address)->sin_port);
}

static int listen_one(const struct listeners *listeners, size_t index, struct err *err)
{
    int fd = listeners->fds[index];
    if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0 || listen(fd, BACKLOG) != 0) {
        return err_set_errno(err, ERR_LISTEN, errno, "cannot listen on %s", listeners->url);
    }
    return 0;
}

int listeners_listen(struct listeners *listeners, struct err *err)
{
    int failure = 0;
    for (size_t i = 0; i < listeners->count && failure == 0; i++) {
        failure = listen_one(listeners, i, err);
    }
    return failure;
}

int listeners_add(struct listeners *listeners, struct err *err)
{
    if (listeners->count == listeners->count_max) {
        return err_set(err, ERR_LISTEN, "there are %zu listeners already, which is the most", listeners->count);
    }
    int errno_value = bind_next(listeners);
    if (errno_value != 0) {
        return err_set_errno(err, ERR_LISTEN, errno_value, "cannot bind one more listener to %s", listeners->url);
    }
    int failure = listen_one(listeners, listeners->count - 1, err);
    if (failure < 0) {
        listeners_remove(listeners);
    }
    return failure;
}

void listeners_remove(struct listeners *listeners)
{
    listeners->count -= 1;
    file_close(&listeners->fds[listeners->count]);
}

/* The kernel asks this program which socket of the group gets a connection (socket(7), SO_ATTACH_REUSEPORT_CBPF). The
 * sockets' numbers are those of the order in which they began to listen, which is ours, since only the last one ever
 * leaves. */
void listeners_steer(const struct listeners *listeners, const bool *marked)
{
    struct sock_filter code[2 * LISTENERS_STEERED_MAX + 3];
    size_t chosen_count = 0;
    for (size_t i = 0; i < listeners->count; i++) {
        chosen_count += marked[i];
    }
    bool is_all = chosen_count == 0 || chosen_count == listeners->count;
    if (listeners->count > LISTENERS_STEERED_MAX || listeners->count == 0) {
        return;
    }
    unsigned short length = 0;
    uint32_t chosen = 0;
    code[length++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t) SKF_AD_OFF + SKF_AD_RANDOM);
    code[length++] =
        (struct sock_filter) BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, (uint32_t) (is_all ? listeners->count : chosen_count));
    for (size_t i = 0; i < listeners->count && !is_all; i++) {
        if (marked[i]) {
            code[length++] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, chosen, 0, 1);
            code[length++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, (uint32_t) i);
            chosen += 1;
        }
    }
    code[length++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_A, 0);
    struct sock_fprog program = {.len = length, .filter = code};
    (void) setsockopt(listeners->fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
}

/* shutdown(2) would reset the queued connections, and closing cannot help while another process holds the socket: a
 * connection that completes behind the last accept(2) would be reset with it. So the kernel is told to drop packets to
 * the listener whose remaining hops are below 255 (ip(7), IP_MINTTL), and hosts begin with 64 or 128: every SYN, but
 * not the end of a handshake that has begun. A socket filter does the same, but newer kernels want CAP_NET_ADMIN. */
void listeners_refuse(const struct listeners *listeners)
{
    enum { HOPS_MAX = 255 };
    for (size_t i = 0; i < listeners->count; i++) {
        (void) set_option(listeners->fds[i], IPPROTO_IP, IP_MINTTL, HOPS_MAX);
        (void) set_option(listeners->fds[i], IPPROTO_IPV6, IPV6_MINHOPCOUNT, HOPS_MAX); /* fails on an IPv4 socket */
    }
}

void listeners_done(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        file_close(&listeners->fds[i]);
    }
    free(listeners->fds);
    *listeners = (struct listeners){.fds = NULL, .count = 0};
}
