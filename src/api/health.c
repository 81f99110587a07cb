/* The routes that never wait for PostgreSQL: the root and /health.
 * Not here: readiness and metrics. */
#include <stdatomic.h>

#include "api/handlers.h"
#include "api/reply.h"
#include "api/worker.h"
#include "digitalism/base/clock.h"

void api_root_get(struct http_exchange *exchange, void *context)
{
    static const char body[] =
        "{\"message\":\"API des communes françaises\",\"docs\":\"/docs\",\"openapi\":\"/openapi.json\"}";
    (void) context;
    http_respond(exchange, 200, API_JSON_TYPE, body, sizeof(body) - 1);
}

void api_health_get(struct http_exchange *exchange, void *context)
{
    const struct api_worker *worker = context;
    const struct scoreboard *scoreboard = worker->options->scoreboard;
    /* The whole service drains before its workers are told to: load balancers need the time to look elsewhere. A worker
     * that drains because it is replaced belongs to a service that goes on. */
    bool is_draining = worker->abandoned || atomic_load_explicit(&scoreboard->draining, memory_order_relaxed);
    bool is_degraded = atomic_load_explicit(&scoreboard->degraded, memory_order_relaxed);
    BUFFER_AUTO body = BUFFER_EMPTY;
    char time_text[CLOCK_UTC_SIZE];
    (void) clock_format_utc(time_text, 6);
    struct json_writer json = json_writer_init(&body);
    json_open_object(&json);
    json_key(&json, "status");
    json_string(&json, is_draining ? "draining" : is_degraded ? "degraded" : "healthy");
    json_key(&json, "timestamp");
    json_string(&json, time_text);
    json_key(&json, "service");
    json_string(&json, "digitalism");
    json_close_object(&json);
    api_reply_json(exchange, is_draining ? 503 : 200, &body);
}
