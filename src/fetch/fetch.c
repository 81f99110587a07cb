/* One GET: setting libcurl up, waiting for it beside the stop, limits, and what a failure means.
 * Not here: loading libcurl (library.c), URLs (url.c), dates (retry_after.c). */
#include "digitalism/fetch.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/stop.h"
#include "fetch/library.h"

#define POLL_SLACK_MS 1000 /* libcurl sees to its timeouts by itself; this is a net below it */

struct fetch {
    struct fetch_library curl;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    int64_t timeout_ms;
    size_t body_bytes_max;
    int stop_fd;
    /* Of the request at hand. */
    struct fetch_answer *answer;
    bool is_too_large;
    char retry_after[64];
    char date[64];
    char reason[CURL_ERROR_SIZE];
};

/* Copies the value of a header, without its line end, cut at the room that there is. */
static void keep_header(char *out, size_t size, const char *value, size_t length)
{
    while (length > 0 && (*value == ' ' || *value == '\t')) {
        value += 1;
        length -= 1;
    }
    while (length > 0 && strchr("\r\n \t", value[length - 1]) != NULL) {
        length -= 1;
    }
    length = length < size ? length : utf8_cut(value, size - 1);
    memcpy(out, value, length);
    out[length] = '\0';
}

/* libcurl calls it for each line of the header, the status line too, as one whole (CURLOPT_HEADERFUNCTION). */
static size_t take_header(char *line, size_t one, size_t length, void *context)
{
    struct fetch *fetch = context;
    const struct {
        const char *name;
        char *place;
        size_t size;
    } wanted[] = {
        {"retry-after:", fetch->retry_after, sizeof(fetch->retry_after)},
        {"date:", fetch->date, sizeof(fetch->date)},
        {"content-type:", fetch->answer->content_type, sizeof(fetch->answer->content_type)},
        {"location:", fetch->answer->location, sizeof(fetch->answer->location)},
    };
    (void) one; /* always 1 */
    bool is_status = length > 5 && memcmp(line, "HTTP/", 5) == 0;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        size_t name_length = strlen(wanted[i].name);
        if (is_status) {
            wanted[i].place[0] = '\0'; /* what came before belonged to an interim answer (1xx) */
        } else if (length > name_length && strncasecmp(line, wanted[i].name, name_length) == 0) {
            keep_header(wanted[i].place, wanted[i].size, line + name_length, length - name_length);
        }
    }
    return length;
}

static size_t take_body(char *data, size_t one, size_t length, void *context)
{
    struct fetch *fetch = context;
    struct buffer *body = &fetch->answer->body;
    (void) one; /* always 1 */
    if (length > fetch->body_bytes_max - body->length) {
        fetch->is_too_large = true;
        return length + 1; /* anything but the length ends the transfer */
    }
    buffer_append(body, data, length);
    return buffer_failed(body) ? length + 1 : length;
}

/* False when one of the options was refused. */
static bool set_options(struct fetch *fetch, const struct fetch_options *options)
{
    CURL *easy = fetch->easy;
    CURLcode (*set)(CURL *, CURLoption, ...) = fetch->curl.easy_setopt;
    fetch->headers = fetch->curl.slist_append(NULL, "Accept: application/json");
    /* An old resolver's thread must not hold up the end of a process that was asked to stop; unknown before 7.87. */
    (void) set(easy, CURLOPT_QUICK_EXIT, 1L);
    return fetch->headers != NULL && set(easy, CURLOPT_HTTPHEADER, fetch->headers) == CURLE_OK &&
           set(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK && set(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           set(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           set(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK && set(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
           set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK &&
           set(easy, CURLOPT_USERAGENT, options->user_agent) == CURLE_OK &&
           set(easy, CURLOPT_CONNECTTIMEOUT_MS, (long) options->connect_timeout_ms) == CURLE_OK &&
           set(easy, CURLOPT_TIMEOUT_MS, (long) options->timeout_ms) == CURLE_OK &&
           set(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           set(easy, CURLOPT_HEADERDATA, fetch) == CURLE_OK &&
           set(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK && set(easy, CURLOPT_WRITEDATA, fetch) == CURLE_OK &&
           set(easy, CURLOPT_ERRORBUFFER, fetch->reason) == CURLE_OK;
}

static int fill(struct fetch *fetch, const struct fetch_options *options, struct err *err)
{
    int failure = fetch_library_load(&fetch->curl, err);
    if (failure < 0) {
        return failure;
    }
    CURLcode code = fetch->curl.global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) {
        return err_set(err, ERR_INTERNAL, "cannot start libcurl: %s", fetch->curl.easy_strerror(code));
    }
    fetch->multi = fetch->curl.multi_init();
    fetch->easy = fetch->curl.easy_init();
    if (fetch->multi == NULL || fetch->easy == NULL || !set_options(fetch, options)) {
        return err_set(err, ERR_INTERNAL, "cannot set libcurl up");
    }
    return 0;
}

int fetch_new(struct fetch **out, const struct fetch_options *options, struct err *err)
{
    struct fetch *fetch = calloc(1, sizeof(*fetch));
    if (fetch == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for HTTP requests");
    }
    fetch->timeout_ms = options->timeout_ms;
    fetch->body_bytes_max = options->body_bytes_max;
    fetch->stop_fd = options->stop_fd;
    int failure = fill(fetch, options, err);
    if (failure < 0) {
        fetch_free(fetch);
        return failure;
    }
    *out = fetch;
    return 0;
}

void fetch_free(struct fetch *fetch)
{
    if (fetch == NULL) {
        return;
    }
    if (fetch->easy != NULL) {
        fetch->curl.easy_cleanup(fetch->easy);
    }
    if (fetch->multi != NULL) {
        (void) fetch->curl.multi_cleanup(fetch->multi);
    }
    if (fetch->headers != NULL) {
        fetch->curl.slist_free_all(fetch->headers);
    }
    free(fetch);
}

void fetch_answer_done(struct fetch_answer *answer)
{
    buffer_done(&answer->body);
}

/* What will be the same the next time, however long one waits. */
static bool is_lasting(CURLcode code)
{
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_WRITE_ERROR:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return true;
    default:
        return false;
    }
}

static int complain(const struct fetch *fetch, CURLcode code, const char *url, struct err *err)
{
    BUFFER_AUTO shown = BUFFER_EMPTY;
    fetch_url_redacted(&shown, url);
    if (fetch->is_too_large) {
        return err_set(err, ERR_REMOTE, "the answer of %s is larger than %zu bytes", buffer_text(&shown),
                       fetch->body_bytes_max);
    }
    /* The text may repeat what a server sent: one line of it, and nothing that a terminal would obey. */
    char reason[CURL_ERROR_SIZE];
    const char *text = fetch->reason[0] != '\0' ? fetch->reason : fetch->curl.easy_strerror(code);
    size_t length = strcspn(text, "\r\n");
    length = length < sizeof(reason) ? length : sizeof(reason) - 1;
    for (size_t i = 0; i < length; i++) {
        reason[i] = '?';
        if ((unsigned char) text[i] >= ' ' && text[i] != 0x7f) {
            reason[i] = text[i];
        }
    }
    reason[length] = '\0';
    (void) err_set(err, ERR_REMOTE, "no answer from %s: %s", buffer_text(&shown), reason);
    if (err != NULL) {
        err->transient = !is_lasting(code);
    }
    return -(int) ERR_REMOTE;
}

/* Runs the transfer that was added to its end. */
static int perform(struct fetch *fetch, CURLcode *outcome, struct err *err)
{
    struct curl_waitfd stop = {.fd = fetch->stop_fd, .events = CURL_WAIT_POLLIN};
    const unsigned stop_count = fetch->stop_fd >= 0 ? 1 : 0;
    const int64_t deadline_ms = clock_now_ms() + fetch->timeout_ms + POLL_SLACK_MS;
    int running = 1;
    while (running > 0) {
        if (stop_requested(fetch->stop_fd)) {
            return err_set(err, ERR_INTERRUPTED, "stopped by request");
        }
        CURLMcode code = fetch->curl.multi_perform(fetch->multi, &running);
        if (code == CURLM_OK && running > 0) {
            code = fetch->curl.multi_poll(fetch->multi, &stop, stop_count, clock_poll_timeout(deadline_ms), NULL);
        }
        if (code != CURLM_OK) {
            return err_set(err, ERR_INTERNAL, "libcurl failed: %s", fetch->curl.multi_strerror(code));
        }
        if (running > 0 && clock_remaining_ms(deadline_ms) == 0) {
            *outcome = CURLE_OPERATION_TIMEDOUT;
            return 0;
        }
    }
    int left = 0;
    const CURLMsg *message = fetch->curl.multi_info_read(fetch->multi, &left);
    *outcome = message != NULL && message->msg == CURLMSG_DONE ? message->data.result : CURLE_GOT_NOTHING;
    return 0;
}

static void read_facts(struct fetch *fetch)
{
    struct fetch_answer *answer = fetch->answer;
    long status = 0;
    curl_off_t sent_us = 0;
    (void) fetch->curl.easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    (void) fetch->curl.easy_getinfo(fetch->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
    answer->status = (int) status;
    answer->sent_after_ms = sent_us / 1000;
    /* The server's own date, where it says it: its clock and ours need not agree. */
    time_t now = time(NULL);
    (void) fetch_date(fetch->date, &now);
    (void) fetch_retry_after(fetch->retry_after, now, &answer->retry_after_ms);
}

int fetch_get(struct fetch *fetch, struct fetch_answer *out, const char *url, struct err *err)
{
    buffer_clear(&out->body);
    *out = (struct fetch_answer){.body = out->body, .retry_after_ms = FETCH_RETRY_AFTER_NONE};
    fetch->answer = out;
    fetch->is_too_large = false;
    fetch->retry_after[0] = fetch->date[0] = fetch->reason[0] = '\0';
    CURLcode outcome = fetch->curl.easy_setopt(fetch->easy, CURLOPT_URL, url); /* copied by libcurl */
    int result = 0;
    if (outcome == CURLE_OK) {
        CURLMcode code = fetch->curl.multi_add_handle(fetch->multi, fetch->easy);
        if (code != CURLM_OK) {
            return err_set(err, ERR_INTERNAL, "libcurl failed: %s", fetch->curl.multi_strerror(code));
        }
        result = perform(fetch, &outcome, err);
        read_facts(fetch);
        (void) fetch->curl.multi_remove_handle(fetch->multi, fetch->easy);
    }
    fetch->answer = NULL;
    if (result == 0 && outcome != CURLE_OK) {
        result = complain(fetch, outcome, url, err);
    }
    return result;
}
