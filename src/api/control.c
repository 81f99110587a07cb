/* The worker's end of its channel to the supervisor (base/control.h).
 * Not here: the supervisor's end (supervise), what draining is (api.c). */
#include <errno.h>
#include <unistd.h>

#include "api/worker.h"
#include "digitalism/base/control.h"
#include "digitalism/base/log.h"

static bool tell(const struct api_worker *worker, char byte)
{
    ssize_t written;
    do {
        written = write(worker->options->control_fd, &byte, 1);
    } while (written < 0 && errno == EINTR);
    return written == 1;
}

void api_control_ready(const struct api_worker *worker)
{
    if (!tell(worker, CONTROL_READY)) {
        log_warn("cannot tell the supervisor that this worker is ready, continuing");
    }
}

void api_control_recycle(const struct api_worker *worker)
{
    log_debug("asking to be replaced after %llu requests", (unsigned long long) worker->answered);
    if (!tell(worker, CONTROL_RECYCLE)) {
        log_warn("cannot tell the supervisor that this worker wants to be replaced, continuing");
    }
}

static void reopen_log(struct api_worker *worker)
{
    struct err err;
    /* What was gathered until now belongs to the file that was moved away. */
    api_access_flush(worker);
    if (log_reopen(&err) < 0) {
        log_warn("%s, continuing with the old one", err.message);
    }
}

static void supervisor_spoke(void *argument, int events)
{
    struct api_worker *worker = argument;
    char bytes[64];
    ssize_t got;
    (void) events;
    while ((got = read(worker->options->control_fd, bytes, sizeof(bytes))) > 0) {
        bool reopen = false;
        for (ssize_t i = 0; i < got; i++) {
            reopen = reopen || bytes[i] == CONTROL_REOPEN_LOG;
        }
        if (reopen) {
            reopen_log(worker);
        }
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        worker->abandoned = true;
        (void) http_watch_events(worker->control_watch, 0);
        api_drain(worker, "the supervisor is gone");
    }
}

int api_control_open(struct api_worker *worker, struct err *err)
{
    return api_watch(worker, &worker->control_watch, worker->options->control_fd, supervisor_spoke, err);
}

void api_control_close(struct api_worker *worker)
{
    http_watch_free(worker->control_watch);
    worker->control_watch = NULL;
}
