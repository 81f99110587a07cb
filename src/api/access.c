/* The access log: one line an answer, gathered and flushed at 64 KiB or 100 ms, because a write each is dear on a pipe.
 * Not here: how a line is made and written (base/log.c). */
#include <string.h>

#include "api/worker.h"
#include "digitalism/base/log.h"

enum {
    FLUSH_BYTES = 64 * 1024,
    FLUSH_MS = 100,
    TARGET_BYTES_MAX = 1024 /* of a request target; the rest of a longer one would push the other fields out */
};

static void flush(struct api_access *access)
{
    if (access->lines.length > 0) {
        log_flush(&access->lines);
    }
}

static void time_passed(void *argument)
{
    struct api_worker *worker = argument;
    worker->access.armed = false;
    flush(&worker->access);
}

int api_access_open(struct api_worker *worker, struct err *err)
{
    return http_timer_new(&worker->access.timer, worker->server, time_passed, worker, err);
}

void api_access_close(struct api_worker *worker)
{
    http_timer_free(worker->access.timer);
    worker->access.timer = NULL;
}

void api_access_flush(struct api_worker *worker)
{
    flush(&worker->access);
}

void api_access_done(struct api_worker *worker)
{
    flush(&worker->access);
    buffer_done(&worker->access.lines);
}

/* Probes come every few seconds and say nothing. */
static bool is_probe(const char *target)
{
    size_t length = strcspn(target, "?");
    return length == strlen("/health") && strncmp(target, "/health", length) == 0;
}

/* A line's words keep their places also where a request was too broken to have them. */
static const char *or_dash(const char *text)
{
    return text[0] == '\0' ? "-" : text;
}

static void gather(struct buffer *lines, const struct http_access *access)
{
    BUFFER_AUTO target = BUFFER_EMPTY;
    BUFFER_AUTO message = BUFFER_EMPTY;
    size_t length = strlen(access->target);
    buffer_append(&target, access->target, length < TARGET_BYTES_MAX ? length : TARGET_BYTES_MAX);
    buffer_append_text(&target, length > TARGET_BYTES_MAX ? "..." : "");
    const char *path = buffer_text(&target);
    buffer_append_format(&message, "%s %s %s %d %llu bytes %lld us %s", access->client, or_dash(access->method),
                         or_dash(path), access->status, (unsigned long long) access->body_bytes,
                         (long long) access->duration_us, access->request_id);
    const struct log_field fields[] = {
        {.name = "client", .text = access->client},
        {.name = "method", .text = access->method},
        {.name = "path", .text = path},
        {.name = "status", .number = access->status},
        {.name = "bytes", .number = (int64_t) access->body_bytes},
        {.name = "duration_us", .number = access->duration_us},
        {.name = "request_id", .text = access->request_id},
    };
    if (!buffer_failed(&target) && !buffer_failed(&message)) {
        log_gather(lines, LOG_LEVEL_INFO, fields, sizeof(fields) / sizeof(fields[0]), buffer_text(&message));
    }
}

void api_access_log(const struct http_access *access, void *context)
{
    struct api_worker *worker = context;
    api_slot_count(worker, access->duration_us);
    if (!worker->options->access_log || !log_enabled(LOG_LEVEL_INFO) || is_probe(access->target)) {
        return;
    }
    gather(&worker->access.lines, access);
    if (worker->access.lines.length >= FLUSH_BYTES) {
        flush(&worker->access);
    } else if (!worker->access.armed && worker->access.timer != NULL) {
        worker->access.armed = true;
        http_timer_start(worker->access.timer, FLUSH_MS);
    }
}
