/* Resolving a target's host names within a limit, each in a thread, because getaddrinfo(3) cannot be interrupted and
 * takes as long as the resolver's own timeouts. Not here: connecting (connection.c); libpq resolves the names again. */
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/internal.h"
#include "digitalism/base/clock.h"
#include "digitalism/base/stop.h"

enum { LOOKUP_NOT_NEEDED = 1, LOOKUP_PENDING = 2 }; /* beside 0 and the negative EAI_ codes */

struct resolution;
struct lookup {
    struct resolution *of;
    char *name; /* owned */
    atomic_int state;
};

/* Shared by who waits and the threads: a thread that comes too late still needs it. The last one frees it. */
struct resolution {
    atomic_size_t owners;
    int done_fd; /* counts the lookups that have ended */
    size_t count;
    struct lookup lookups[DB_HOSTS_MAX];
};

static void release(struct resolution *resolution)
{
    if (atomic_fetch_sub(&resolution->owners, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < resolution->count; i++) {
        free(resolution->lookups[i].name);
    }
    if (resolution->done_fd >= 0) {
        (void) close(resolution->done_fd);
    }
    free(resolution);
}

static int look_up(const char *name, int flags)
{
    struct addrinfo *found = NULL;
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    int result = getaddrinfo(name, NULL, &wanted, &found);
    if (result == 0) {
        freeaddrinfo(found);
    }
    return result;
}

static void *run(void *argument)
{
    struct lookup *lookup = argument;
    struct resolution *resolution = lookup->of;
    atomic_store(&lookup->state, look_up(lookup->name, 0));
    (void) eventfd_write(resolution->done_fd, 1);
    release(resolution);
    return NULL;
}

static int start(struct lookup *lookup, struct err *err)
{
    if (lookup->name[0] == '\0' || look_up(lookup->name, AI_NUMERICHOST) == 0) {
        atomic_store(&lookup->state, LOOKUP_NOT_NEEDED);
        return 0;
    }
    pthread_t thread;
    atomic_store(&lookup->state, LOOKUP_PENDING);
    atomic_fetch_add(&lookup->of->owners, 1);
    int failure = pthread_create(&thread, NULL, run, lookup);
    if (failure != 0) {
        atomic_fetch_sub(&lookup->of->owners, 1);
        return err_set_errno(err, ERR_INTERNAL, failure, "cannot start a thread that resolves \"%s\"", lookup->name);
    }
    (void) pthread_detach(thread);
    return 0;
}

/* NULL with ERR_INTERNAL in err when memory, descriptors or threads are short. */
static struct resolution *start_all(const struct db_target *target, struct err *err)
{
    struct resolution *resolution = calloc(1, sizeof(*resolution));
    if (resolution == NULL) {
        (void) err_set(err, ERR_INTERNAL, "no memory for a connection");
        return NULL;
    }
    atomic_init(&resolution->owners, 1);
    resolution->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int failure = resolution->done_fd < 0 ? err_set(err, ERR_INTERNAL, "no descriptor for a connection") : 0;
    for (size_t i = 0; i < target->host_count && failure == 0; i++) {
        struct lookup *lookup = &resolution->lookups[i];
        lookup->of = resolution;
        lookup->name = db_target_lookup_name(target, i);
        resolution->count += 1;
        failure = lookup->name == NULL ? err_set(err, ERR_INTERNAL, "no memory for a connection") : start(lookup, err);
    }
    if (failure != 0) {
        release(resolution);
        return NULL;
    }
    return resolution;
}

static size_t count_pending(const struct resolution *resolution)
{
    size_t pending = 0;
    for (size_t i = 0; i < resolution->count; i++) {
        pending += atomic_load(&resolution->lookups[i].state) == LOOKUP_PENDING ? 1 : 0;
    }
    return pending;
}

static size_t list_usable(const struct resolution *resolution, size_t usable[static DB_HOSTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < resolution->count; i++) {
        int state = atomic_load(&resolution->lookups[i].state);
        if (state == 0 || state == LOOKUP_NOT_NEEDED) {
            usable[count++] = i;
        }
    }
    return count;
}

/* Why no host is usable, in libpq's words where it has some. */
static int fail(const struct resolution *resolution, const struct db_target *target, struct err *err)
{
    BUFFER_AUTO reason = BUFFER_EMPTY;
    for (size_t i = 0; i < resolution->count; i++) {
        const struct lookup *lookup = &resolution->lookups[i];
        int state = atomic_load(&lookup->state);
        buffer_append_format(&reason, "%scould not translate host name \"%s\" to address: %s", i > 0 ? "; " : "",
                             lookup->name, state >= 0 ? "no answer in time" : gai_strerror(state));
    }
    (void) err_set(err, ERR_DATABASE, "cannot connect to %s: %s", target->text, buffer_text(&reason));
    if (err != NULL) {
        err->transient = true;
    }
    return -(int) ERR_DATABASE;
}

int db_resolve(const struct db_target *target, int64_t deadline_ms, int stop_fd, struct db_hosts *out, struct err *err)
{
    struct resolution *resolution = start_all(target, err);
    if (resolution == NULL) {
        return -(int) ERR_INTERNAL;
    }
    /* A name that takes longer than its share must not hide the others, but is waited for where it is the only hope. */
    int64_t share_ms = clock_now_ms() + clock_remaining_ms(deadline_ms) / (int64_t) target->host_count;
    struct db_hosts hosts;
    hosts.count = list_usable(resolution, hosts.index);
    while (count_pending(resolution) > 0) {
        eventfd_t ended;
        int ready = stop_poll(stop_fd, resolution->done_fd, POLLIN, hosts.count > 0 ? share_ms : deadline_ms, err);
        if (ready < 0) {
            release(resolution);
            return ready;
        }
        (void) eventfd_read(resolution->done_fd, &ended);
        if (ready == 0) {
            break;
        }
        hosts.count = list_usable(resolution, hosts.index);
    }
    hosts.count = list_usable(resolution, hosts.index);
    int failure = hosts.count == 0 ? fail(resolution, target, err) : 0;
    release(resolution);
    if (failure == 0) {
        *out = hosts;
    }
    return failure;
}
