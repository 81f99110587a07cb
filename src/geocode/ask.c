/* One city's question: cache, pace, request, retries, and the limits on trouble.
 * Not here: the protocol (nominatim.c), HTTP (fetch). */
#include "geocode/ask.h"

#include <inttypes.h>
#include <string.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"

#define CONNECT_TIMEOUT_MS INT64_C(5000)
#define BODY_BYTES_MAX     ((size_t) 1024 * 1024) /* of one place with its address: some kilobytes */
#define SILENT_MAX         3                      /* cities in a row without an answer, after all retries */
#define SENSELESS_MAX      10                     /* cities in a row with an answer of no use */
#define RETRY_DELAY_MAX_MS INT64_C(300000)
#define TROUBLE_MAX_MS     INT64_C(600000) /* how long nothing of use may come, whatever the retries are */

/* What a request came to. */
enum outcome {
    OUTCOME_ANSWER,    /* a 200 that could be read */
    OUTCOME_SENSELESS, /* trying again would bring the same */
    OUTCOME_SILENT,    /* no answer, or a server's own trouble: worth another try */
    OUTCOME_OVER,      /* nothing that is asked now would be answered */
};

void ask_init(struct ask *ask, const struct geocode_options *options, struct cache *cache, int stop_fd,
              uint64_t *requests)
{
    *ask = (struct ask){.options = options,
                        .cache = cache,
                        .stop_fd = stop_fd,
                        .requests = requests,
                        .rate = {.lock = &cache->lock, .rate_us = options->rate_limit_ms * 1000},
                        .answer = FETCH_ANSWER_EMPTY};
}

void ask_done(struct ask *ask)
{
    fetch_free(ask->fetch);
    fetch_answer_done(&ask->answer);
    buffer_done(&ask->place.display_name);
    buffer_done(&ask->url);
    buffer_done(&ask->label);
}

static int ready_fetch(struct ask *ask, struct err *err)
{
    if (ask->fetch != NULL) {
        return 0;
    }
    const struct fetch_options options = {.user_agent = ask->options->user_agent,
                                          .connect_timeout_ms =
                                              clock_earlier(CONNECT_TIMEOUT_MS, ask->options->request_timeout_ms),
                                          .timeout_ms = ask->options->request_timeout_ms,
                                          .body_bytes_max = BODY_BYTES_MAX,
                                          .stop_fd = ask->stop_fd};
    return fetch_new(&ask->fetch, &options, err);
}

/* For how long a server that has too much to do asks not to be asked. */
static int64_t wish_of(const struct fetch_answer *answer)
{
    return answer->status == 429 || answer->status == 503 ? answer->retry_after_ms : FETCH_RETRY_AFTER_NONE;
}

/* Says why a status that is not 200 is what it is. */
static enum outcome judge_status(const struct ask *ask, struct err *why)
{
    const struct fetch_answer *answer = &ask->answer;
    int status = answer->status;
    (void) err_set(why, ERR_REMOTE, "Nominatim answered %d", status);
    if (status == 403) {
        err_hint(why, "it refuses us: see its usage policy; NOMINATIM_USER_AGENT should say who asks, "
                      "NOMINATIM_RATE_LIMIT how often at most, NOMINATIM_URL can be a server of your own");
        return OUTCOME_OVER;
    }
    if (status >= 300 && status < 400) {
        BUFFER_AUTO location = BUFFER_EMPTY;
        buffer_append_json_string(&location, answer->location, strlen(answer->location));
        (void) err_set(why, ERR_REMOTE, "Nominatim answered %d, a redirect to %s", status, buffer_text(&location));
        err_hint(why, "redirects are not followed; set NOMINATIM_URL to where the server is");
        return OUTCOME_OVER;
    }
    if (wish_of(answer) > RATE_SILENCE_MAX_MS) {
        (void) err_set(why, ERR_REMOTE, "Nominatim answered %d and asks to be left alone for %" PRId64 " s", status,
                       answer->retry_after_ms / 1000);
        return OUTCOME_OVER;
    }
    return status == 429 || status >= 500 ? OUTCOME_SILENT : OUTCOME_SENSELESS;
}

/* Reads a 200 into `out`; what it says is kept by the caller. */
static enum outcome judge_body(struct ask *ask, enum nominatim_verdict *verdict, struct err *why)
{
    const struct buffer *body = &ask->answer.body;
    *verdict = nominatim_read(&ask->place, buffer_text(body), body->length, why);
    if (*verdict != NOMINATIM_UNREADABLE) {
        return OUTCOME_ANSWER;
    }
    BUFFER_AUTO type = BUFFER_EMPTY;
    buffer_append_json_string(&type, ask->answer.content_type, strlen(ask->answer.content_type));
    (void) err_prefix(why, "Nominatim's answer cannot be read (%zu bytes of type %s)", body->length,
                      buffer_text(&type));
    return OUTCOME_SENSELESS;
}

/* Makes one request. Negative: -ERR_INTERRUPTED or -ERR_INTERNAL; else an outcome, with `why` for all but an answer. */
static int request(struct ask *ask, enum nominatim_verdict *verdict, struct err *why)
{
    int64_t started_us = rate_now_us();
    *ask->requests += 1;
    struct err err;
    int result = fetch_get(ask->fetch, &ask->answer, buffer_text(&ask->url), why);
    if (result < 0 && result != -(int) ERR_REMOTE) {
        return result;
    }
    int paced = rate_sent(&ask->rate, started_us + ask->answer.sent_after_ms * 1000, ask->stop_fd, &err);
    if (paced == 0 && wish_of(&ask->answer) > 0) {
        /* Every process of the machine keeps to it, whether this one tries again or not. */
        paced = rate_silence(&ask->rate, wish_of(&ask->answer), ask->stop_fd, &err);
    }
    if (paced < 0) {
        *why = err;
        return paced;
    }
    if (result < 0) {
        return why->transient ? OUTCOME_SILENT : OUTCOME_SENSELESS;
    }
    return (int) (ask->answer.status == 200 ? judge_body(ask, verdict, why) : judge_status(ask, why));
}

/* Looks into the cache until there is something in it or it is our turn to ask. 1: our turn; 0: `out` is filled. */
static int wait_turn(struct ask *ask, const char *city, const char *postal_code, struct ask_result *out,
                     struct err *err)
{
    bool has_told = false;
    for (;;) {
        bool is_bad = false;
        int64_t wait_us = 0;
        enum cache_answer known = cache_find(ask->cache, city, postal_code, &out->latitude, &out->longitude, &is_bad);
        if (known != CACHE_NOTHING) {
            out->verdict = known == CACHE_PLACE ? ASK_CACHED : ASK_UNKNOWN;
            return 0;
        }
        if (is_bad && !has_told) {
            has_told = true;
            log_warn("geocoding %s: its entry in the cache has no usable coordinates, continuing by asking again",
                     buffer_text(&ask->label));
        }
        int result = rate_try(&ask->rate, ask->stop_fd, &wait_us, err);
        if (result < 0 || wait_us == 0) {
            return result < 0 ? result : 1;
        }
        result = stop_sleep(ask->stop_fd, wait_us / 1000 + 1, err);
        if (result < 0) {
            return result;
        }
    }
}

/* What was answered: kept, and told where it is refused. */
static int take_answer(struct ask *ask, const char *city, const char *postal_code, enum nominatim_verdict verdict,
                       const struct err *why, struct ask_result *out, struct err *err)
{
    ask->silent = ask->senseless = 0;
    ask->trouble_since_ms = 0;
    if (verdict == NOMINATIM_REFUSED) {
        out->verdict = ASK_REFUSED;
        log_warn("geocoding %s: Nominatim's answer is refused, continuing: %s", buffer_text(&ask->label), why->message);
        return 0;
    }
    out->verdict = verdict == NOMINATIM_FOUND ? ASK_FOUND : ASK_UNKNOWN;
    out->latitude = ask->place.latitude;
    out->longitude = ask->place.longitude;
    return cache_keep(ask->cache, city, postal_code, verdict == NOMINATIM_FOUND ? &ask->place : NULL, ask->stop_fd,
                      err);
}

/* This city has failed; the next ones may fare better, but not for ever. */
static void fail_city(struct ask *ask, enum outcome outcome, const struct err *why, struct ask_result *out)
{
    out->verdict = ASK_FAILED;
    log_warn("geocoding %s: %s, continuing without its coordinates", buffer_text(&ask->label), why->message);
    ask->silent += outcome == OUTCOME_SILENT ? 1 : 0;
    ask->senseless += 1;
}

/* Whether the cities before this one leave any hope. */
static int check_trouble(const struct ask *ask, struct err *err)
{
    if (ask->silent >= SILENT_MAX) {
        return err_set(err, ERR_REMOTE, "%u cities in a row got no answer", ask->silent);
    }
    if (ask->senseless >= SENSELESS_MAX) {
        return err_set(err, ERR_REMOTE, "%u cities in a row got no answer of use", ask->senseless);
    }
    return 0;
}

/* Sleeps before a retry. */
static int pause_before_retry(struct ask *ask, struct backoff *backoff, const struct err *why, struct err *err)
{
    int64_t delay_ms = backoff_next_ms(backoff);
    int64_t wish_ms = wish_of(&ask->answer);
    delay_ms = wish_ms > delay_ms ? wish_ms : delay_ms;
    int64_t now_ms = clock_now_ms();
    if (ask->trouble_since_ms == 0) {
        ask->trouble_since_ms = now_ms;
    }
    if (now_ms + delay_ms - ask->trouble_since_ms > TROUBLE_MAX_MS) {
        return err_set(err, ERR_REMOTE, "%s, and nothing of use came for %" PRId64 " s", why->message,
                       (now_ms - ask->trouble_since_ms) / 1000);
    }
    log_warn("geocoding %s: %s, trying again in %" PRId64 " ms (retry %u of %" PRId64 ")", buffer_text(&ask->label),
             why->message, delay_ms, backoff->attempts, ask->options->retries_max);
    return stop_sleep(ask->stop_fd, delay_ms, err);
}

int ask_city(struct ask *ask, const char *city, const char *postal_code, struct ask_result *out, struct err *err)
{
    struct backoff backoff = {.first_ms = ask->options->retry_delay_ms, .max_ms = RETRY_DELAY_MAX_MS};
    buffer_clear(&ask->url);
    buffer_clear(&ask->label);
    nominatim_url(&ask->url, ask->options->nominatim_url, city, postal_code);
    BUFFER_AUTO plain = BUFFER_EMPTY;
    buffer_append_format(&plain, "%s %s", city, postal_code);
    buffer_append_json_string(&ask->label, buffer_text(&plain), plain.length);
    if (buffer_failed(&ask->url) || buffer_failed(&ask->label)) {
        return err_set(err, ERR_INTERNAL, "no memory for a request");
    }
    if (check_trouble(ask, err) < 0) {
        return -(int) ERR_REMOTE;
    }
    for (;;) {
        enum nominatim_verdict verdict = NOMINATIM_UNREADABLE;
        struct err why = {.code = ERR_NONE};
        int result = wait_turn(ask, city, postal_code, out, err);
        if (result <= 0) {
            return result;
        }
        result = ready_fetch(ask, err);
        if (result < 0) {
            return result;
        }
        result = request(ask, &verdict, &why);
        if (result < 0 || result == (int) OUTCOME_OVER) {
            *err = why;
            return result < 0 ? result : -(int) ERR_REMOTE;
        }
        if (result == (int) OUTCOME_ANSWER) {
            return take_answer(ask, city, postal_code, verdict, &why, out, err);
        }
        if (result == (int) OUTCOME_SENSELESS || (int64_t) backoff.attempts == ask->options->retries_max) {
            fail_city(ask, (enum outcome) result, &why, out);
            return 0;
        }
        result = pause_before_retry(ask, &backoff, &why, err);
        if (result < 0) {
            return result;
        }
    }
}
