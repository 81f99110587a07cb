/* Outgoing HTTP: one GET at a time, each of its parts limited, ended at once by a stop. The only user of libcurl.
 * Not here: what is asked and what an answer means; when to ask again (its callers). */
#ifndef DIGITALISM_FETCH_H
#define DIGITALISM_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"

#define FETCH_RETRY_AFTER_NONE   (-1)
#define FETCH_RETRY_AFTER_MAX_MS (INT64_C(24) * 3600 * 1000) /* a longer one is told as this */

struct fetch;
struct fetch_options {
    const char *user_agent;     /* printable; copied */
    int64_t connect_timeout_ms; /* name, TCP and TLS */
    int64_t timeout_ms;         /* of the whole, the last byte included */
    size_t body_bytes_max;      /* an answer that has more is refused */
    int stop_fd;                /* base/stop.h; STOP_NONE */
};

/* Loads libcurl and readies it. That is for a short-lived child alone: what libcurl and its many libraries take is
 * never given back, and neither PID 1 nor a worker may have it before it forks. SIGPIPE must be ignored, as it is in
 * every child (libcurl manual, CURLOPT_NOSIGNAL). -ERR_CONFIG where the machine has no libcurl. */
int fetch_new(struct fetch **out, const struct fetch_options *options, struct err *err);
void fetch_free(struct fetch *fetch);

/* What a server answered. The owner starts with FETCH_ANSWER_EMPTY, and releases it with fetch_answer_done(). */
struct fetch_answer {
    int status;             /* 200, 404, … */
    char content_type[64];  /* "" when there is none; cut */
    char location[256];     /* where a redirect leads, as the server says it; "" when there is none; cut */
    struct buffer body;     /* at most body_bytes_max */
    int64_t retry_after_ms; /* RFC 9110, section 10.2.3; FETCH_RETRY_AFTER_NONE */
    int64_t sent_after_ms;  /* from the call until the request was sent: name, TCP and TLS; of failures too */
};
#define FETCH_ANSWER_EMPTY                                                                                             \
    {                                                                                                                  \
        .body = BUFFER_EMPTY, .retry_after_ms = FETCH_RETRY_AFTER_NONE                                                 \
    }
void fetch_answer_done(struct fetch_answer *answer);

/* Gets one http or https URL with `Accept: application/json`, over a connection of its own: on one that is kept libcurl
 * would by itself send a request again. Redirects are answers as others are; following one would be a second request.
 * Cookies and ~/.netrc are not used; the proxies of http_proxy, HTTPS_PROXY, ALL_PROXY and NO_PROXY are, as everywhere
 * (libcurl manual, CURLOPT_PROXY). Any status is a success.
 * -ERR_REMOTE: no whole answer; `transient` tells whether another time may do better. -ERR_INTERRUPTED: a stop.
 * Messages repeat neither credentials nor the query. */
int fetch_get(struct fetch *fetch, struct fetch_answer *out, const char *url, struct err *err);

/* Making URLs (RFC 3986). Appends a base with one more path segment, whether the base ends in a slash or not; its query
 * is kept, its fragment dropped. */
void fetch_url_join(struct buffer *out, const char *base, const char *segment);

/* Appends `?name=value`, or `&name=value` behind others; all but unreserved characters are percent-encoded. */
void fetch_url_parameter(struct buffer *url, const char *name, const char *value);

/* Appends the URL as it may be shown: without credentials, query and fragment. */
void fetch_url_redacted(struct buffer *out, const char *url);

/* Reads a Retry-After value, seconds or an HTTP-date in any of its three forms (RFC 9110, sections 5.6.7 and 10.2.3);
 * `now` is the answer's own date. False, and the output untouched, where it is neither. */
bool fetch_retry_after(const char *text, time_t now, int64_t *out_ms);

/* Reads an HTTP-date. False, and the output untouched, where it is none. */
bool fetch_date(const char *text, time_t *out);

#endif
