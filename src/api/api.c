/* One worker from its start to its end: the server, the link to PostgreSQL, being told to stop, draining.
 * Not here: the routes (routes.c), talking to the supervisor (control.c), keeping workers alive (supervise). */
#include "digitalism/api.h"

#include <stdlib.h>

#include "api/reply.h"
#include "api/worker.h"
#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"

#define DRAIN_RESERVE_MAX_MS 500

static void turn(void *argument)
{
    struct api_worker *worker = argument;
    if (!worker->ready) {
        worker->ready = true;
        api_slot_ready(worker);
        api_control_ready(worker);
    }
    api_database_turn(worker);
    api_slot_turn(worker);
}

/* The end of the time to drain, kept for answers that could not be had. */
static int64_t drain_reserve_ms(const struct api_worker *worker)
{
    int64_t share_ms = worker->options->graceful_timeout_ms / 8;
    return share_ms < DRAIN_RESERVE_MAX_MS ? share_ms : DRAIN_RESERVE_MAX_MS;
}

void api_drain(struct api_worker *worker, const char *reason)
{
    if (!worker->draining) {
        worker->draining = true;
        log_info("draining: %s, %zu requests in flight", reason, http_server_in_flight(worker->server));
        http_timer_start(worker->drain_timer, worker->options->graceful_timeout_ms - drain_reserve_ms(worker));
        http_server_drain(worker->server);
    }
}

/* What waits for PostgreSQL still gets an answer before the supervisor kills us; the rest of the time is for sending
 * it. Without a supervisor nobody would kill us, so that we stop by ourselves then. */
static void drain_over(void *argument)
{
    struct api_worker *worker = argument;
    if (!worker->given_up) {
        worker->given_up = true;
        api_database_give_up(worker);
        http_timer_start(worker->drain_timer, drain_reserve_ms(worker));
        return;
    }
    log_warn("stopping with %zu requests in flight after %lld ms", http_server_in_flight(worker->server),
             (long long) worker->options->graceful_timeout_ms);
    worker->overdue = true;
    http_server_stop(worker->server);
}

static void stop_asked(void *argument, int events)
{
    struct api_worker *worker = argument;
    (void) events;
    /* The descriptor stays readable. */
    (void) http_watch_events(worker->stop_watch, 0);
    api_drain(worker, "asked to stop");
}

int api_watch(struct api_worker *worker, struct http_watch **out, int fd, void (*callback)(void *, int),
              struct err *err)
{
    if (http_watch_new(out, worker->server, fd, callback, worker, err) < 0) {
        return -(int) ERR_INTERNAL;
    }
    int failure = http_watch_events(*out, HTTP_WATCH_READ);
    return failure == 0 ? 0 : err_set(err, ERR_INTERNAL, "cannot watch descriptor %d", fd);
}

static int open_worker(struct api_worker *worker, int stop_fd, struct err *err)
{
    const struct http_options options = {.listener_fd = worker->options->listener_fd,
                                         .routes = api_routes,
                                         .route_count = api_route_count,
                                         .error_body = api_error_body,
                                         .error_content_type = API_JSON_TYPE,
                                         .access_log = api_access_log,
                                         .context = worker};
    if (http_server_new(&worker->server, &options, err) < 0 || api_access_open(worker, err) < 0 ||
        http_timer_new(&worker->drain_timer, worker->server, drain_over, worker, err) < 0 ||
        api_watch(worker, &worker->stop_watch, stop_fd, stop_asked, err) < 0 || api_control_open(worker, err) < 0 ||
        api_slot_open(worker, err) < 0 || api_database_open(worker, err) < 0) {
        return -(int) err->code;
    }
    http_server_on_turn(worker->server, turn, worker);
    return 0;
}

static void close_worker(struct api_worker *worker)
{
    if (worker->server != NULL) {
        api_database_close(worker);
        api_slot_close(worker);
        api_control_close(worker);
        http_watch_free(worker->stop_watch);
        http_timer_free(worker->drain_timer);
        api_access_close(worker);
        http_server_free(worker->server);
    }
    /* The server may have told of dropped answers until now. */
    api_access_done(worker);
}

int api_serve(const struct api_options *options, struct err *err)
{
    /* On the heap: the loop's callbacks hold it. */
    struct api_worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the worker");
    }
    worker->options = options;
    struct err failure = {.code = ERR_NONE};
    FILE_FD_AUTO stop_fd = stop_open(&failure);
    if (stop_fd >= 0 && open_worker(worker, stop_fd, &failure) == 0 && http_server_run(worker->server, &failure) == 0 &&
        !worker->overdue) {
        log_info("drained");
    }
    close_worker(worker);
    free(worker);
    if (failure.code != ERR_NONE && err != NULL) {
        *err = failure;
    }
    return -(int) failure.code;
}
