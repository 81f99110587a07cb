/* The embedded HTTP/1.1 server of one worker: connections, limits, timeouts, routing, keep-alive, pipelining, drain.
 * RFC 9110 and 9112. The only user of libuv and llhttp; it knows no communes and no database.
 * Not here: what a route answers (api). */
#ifndef DIGITALISM_HTTP_H
#define DIGITALISM_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"

struct http_server;

/* One request and its answer. It belongs to the server; a handler may keep the pointer until it has answered, and must
 * answer exactly once, at once or later, also when the client has gone meanwhile (the answer is then dropped). */
struct http_exchange;

typedef void http_handler(struct http_exchange *exchange, void *context);

enum http_method {
    HTTP_METHOD_GET, /* a HEAD request is routed as GET, and its answer's body is not sent */
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_COUNT
};

/* A route: segments between slashes are literal or `{parameter}`; a final slash is part of the pattern. A literal
 * segment wins over a parameter. The table must outlive the server. */
struct http_route {
    enum http_method method;
    const char *pattern; /* "/cities/by-name/{name}" */
    http_handler *handler;
};

/* Called for each answer when it has been handed to the kernel or dropped; for access logs and counters. */
struct http_access {
    const char *client; /* address as text */
    const char *method; /* as received */
    const char *target; /* request target as received, not decoded, not escaped; "" if it could not be read */
    const char *request_id;
    int status;
    uint64_t body_bytes;
    int64_t duration_us;
};
typedef void http_access_log(const struct http_access *access, void *context);

/* Writes the body of an answer that the server itself makes (400, 404, 405, 408, 413, 414, 431, 503 …). */
typedef void http_error_body(struct buffer *body, int status, void *context);

/* Zero in a limit means its default, given behind it. */
struct http_limits {
    size_t request_line_bytes;     /* 8 KiB: 414 over it */
    size_t header_bytes;           /* 16 KiB: 431 */
    size_t header_count;           /* 100: 431 */
    size_t body_bytes;             /* 1 MiB: 413 */
    size_t connections;            /* 10,000: not accepted over it */
    size_t pipelined;              /* 64 unanswered requests of one connection; reading pauses over it */
    int64_t header_timeout_ms;     /* 10 s from the first byte to the end of the headers: 408, closed */
    int64_t body_timeout_ms;       /* 30 s */
    int64_t keep_alive_timeout_ms; /* 75 s without a request: closed */
    int64_t write_timeout_ms;      /* 30 s without progress: closed */
};

struct http_options {
    int listener_fd; /* bound and listening; taken over */
    const struct http_route *routes;
    size_t route_count;
    struct http_limits limits;
    http_error_body *error_body;
    const char *error_content_type; /* of what error_body writes */
    http_access_log *access_log;    /* may be NULL */
    void *context;                  /* handed to handlers, error_body and access_log */
};

/* On failure the listener stays the caller's. */
int http_server_new(struct http_server **out, const struct http_options *options, struct err *err);
/* NULL is allowed. Not from a callback; watches and timers are freed before. Exchanges that were not answered are gone
 * with it. */
void http_server_free(struct http_server *server);

/* Runs the loop until the server has drained or http_server_stop() was called. */
int http_server_run(struct http_server *server, struct err *err);

/* Stops accepting after the backlog is empty, answers what is in flight with `Connection: close`, closes idle
 * connections at once; then the loop ends. Calling it again changes nothing. */
void http_server_drain(struct http_server *server);
void http_server_stop(struct http_server *server);              /* ends the loop at once */
size_t http_server_in_flight(const struct http_server *server); /* requests received and not yet answered */
size_t http_server_connections(const struct http_server *server);

/* Calls back once a turn of the loop, after all of the turn's input was handled and before its output is written:
 * the place to flush what handlers have queued elsewhere. */
void http_server_on_turn(struct http_server *server, void (*callback)(void *argument), void *argument);

/* A descriptor of the owner's watched by the server's loop. The owner keeps the descriptor. */
enum { HTTP_WATCH_READ = 1, HTTP_WATCH_WRITE = 2 };
struct http_watch;
int http_watch_new(struct http_watch **out, struct http_server *server, int fd,
                   void (*callback)(void *argument, int events), void *argument, struct err *err);
int http_watch_events(struct http_watch *watch, int events); /* HTTP_WATCH_ flags; 0 pauses. 0 or -ERR_INTERNAL */
void http_watch_free(struct http_watch *watch);              /* before the descriptor is closed; NULL is allowed */

/* A one-shot timer of the server's loop. */
struct http_timer;
int http_timer_new(struct http_timer **out, struct http_server *server, void (*callback)(void *argument),
                   void *argument, struct err *err);
void http_timer_start(struct http_timer *timer, int64_t delay_ms); /* from now; replaces an earlier start */
void http_timer_stop(struct http_timer *timer);
void http_timer_free(struct http_timer *timer);

/* The request. Texts belong to the exchange and live until it is answered. */
const char *http_method(const struct http_exchange *exchange); /* as received: "GET", "HEAD" */
const char *http_path(const struct http_exchange *exchange);   /* as received, without the query */
/* The n-th {parameter} of the route's pattern, percent-decoded; `length` (may be NULL) gets its bytes, NULs included.
 */
const char *http_path_parameter(const struct http_exchange *exchange, size_t n, size_t *length);
/* The last value of a query parameter, decoded as application/x-www-form-urlencoded (a malformed escape stays as it
 * is); NULL when it is not given. Its bytes need not be UTF-8. */
const char *http_query(const struct http_exchange *exchange, const char *name, size_t *length);
const char *http_header(const struct http_exchange *exchange, const char *name); /* NULL when it is not given */
const char *http_body(const struct http_exchange *exchange, size_t *length);     /* never NULL */

/* The answer. Headers are added first, then one call of http_respond, after which the exchange is gone.
 * The server adds Date, Content-Length, Connection, X-Request-ID and X-Content-Type-Options by itself. */
void http_respond_header(struct http_exchange *exchange, const char *name, const char *value);
/* Sends the answer. `body` is copied. `content_type` may be NULL when there is no body (204). */
void http_respond(struct http_exchange *exchange, int status, const char *content_type, const char *body,
                  size_t length);
/* The same for an error that has no other body than error_body's. */
void http_respond_error(struct http_exchange *exchange, int status);

/* Pure parts, for tests and fuzzing. */

/* Percent-decodes `text` in place (RFC 3986, 2.1), with `plus_is_space` for queries. Returns the new length, or -1 for
 * a malformed escape. */
int64_t http_percent_decode(char *text, size_t length, bool plus_is_space);

#endif
