/* Descriptors and timers of the owner's in the server's loop.
 * Not here: the server's own (server.c, connection.c). */
#include <stdlib.h>

#include "http/server.h"

struct http_watch {
    uv_poll_t poll;
    void (*callback)(void *argument, int events);
    void *argument;
    int events;
};

struct http_timer {
    uv_timer_t timer;
    void (*callback)(void *argument);
    void *argument;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_events(uv_poll_t *poll, int status, int events)
{
    struct http_watch *watch = poll->data;
    int happened =
        ((events & UV_READABLE) != 0 ? HTTP_WATCH_READ : 0) | ((events & UV_WRITABLE) != 0 ? HTTP_WATCH_WRITE : 0);
    if (status < 0) {
        /* libuv has stopped watching; the owner learns why from its next read or write. */
        happened = watch->events;
        watch->events = 0;
    }
    watch->callback(watch->argument, happened);
}

int http_watch_new(struct http_watch **out, struct http_server *server, int fd,
                   void (*callback)(void *argument, int events), void *argument, struct err *err)
{
    struct http_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory to watch a descriptor");
    }
    int status = uv_poll_init(&server->loop, &watch->poll, fd);
    if (status < 0) {
        free(watch);
        return err_set(err, ERR_INTERNAL, "cannot watch descriptor %d: %s", fd, uv_strerror(status));
    }
    watch->poll.data = watch;
    watch->callback = callback;
    watch->argument = argument;
    *out = watch;
    return 0;
}

int http_watch_events(struct http_watch *watch, int events)
{
    if (events == watch->events) {
        return 0;
    }
    int wanted =
        ((events & HTTP_WATCH_READ) != 0 ? UV_READABLE : 0) | ((events & HTTP_WATCH_WRITE) != 0 ? UV_WRITABLE : 0);
    int status = wanted == 0 ? uv_poll_stop(&watch->poll) : uv_poll_start(&watch->poll, wanted, on_events);
    if (status < 0) {
        return -(int) ERR_INTERNAL;
    }
    watch->events = events;
    return 0;
}

void http_watch_free(struct http_watch *watch)
{
    if (watch != NULL) {
        (void) uv_poll_stop(&watch->poll);
        uv_close((uv_handle_t *) &watch->poll, on_closed);
    }
}

static void on_time(uv_timer_t *timer)
{
    struct http_timer *owner = timer->data;
    owner->callback(owner->argument);
}

int http_timer_new(struct http_timer **out, struct http_server *server, void (*callback)(void *argument),
                   void *argument, struct err *err)
{
    struct http_timer *timer = calloc(1, sizeof(*timer));
    if (timer == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for a timer");
    }
    (void) uv_timer_init(&server->loop, &timer->timer);
    timer->timer.data = timer;
    timer->callback = callback;
    timer->argument = argument;
    *out = timer;
    return 0;
}

void http_timer_start(struct http_timer *timer, int64_t delay_ms)
{
    uv_update_time(timer->timer.loop);
    (void) uv_timer_start(&timer->timer, on_time, delay_ms < 0 ? 0 : (uint64_t) delay_ms, 0);
}

void http_timer_stop(struct http_timer *timer)
{
    (void) uv_timer_stop(&timer->timer);
}

void http_timer_free(struct http_timer *timer)
{
    if (timer != NULL) {
        (void) uv_timer_stop(&timer->timer);
        uv_close((uv_handle_t *) &timer->timer, on_closed);
    }
}
