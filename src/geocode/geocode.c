/* The run: city by city, the cache first, then Nominatim at its pace, until there is no city left or a reason to stop.
 * Not here: one request and its retries (ask.c), the database's side (work.c), the cache's files (cache.c). */
#include "digitalism/geocode.h"

#include <inttypes.h>
#include <string.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "digitalism/fetch.h"
#include "geocode/ask.h"
#include "geocode/cache.h"
#include "geocode/work.h"

#define PROGRESS_MS 5000

/* All that a run has. */
struct run {
    const struct geocode_options *options;
    struct geocode_summary *summary;
    int stop_fd;
    struct work work;
    struct cache cache;
    struct ask ask;
    int64_t started_ms;
    int64_t progress_ms;
};

static uint64_t seen_of(const struct geocode_summary *summary)
{
    return summary->cached + summary->asked + summary->unknown + summary->refused + summary->failed;
}

static void tell_progress(struct run *run)
{
    if (clock_remaining_ms(run->progress_ms) > 0) {
        return;
    }
    const struct geocode_summary *summary = run->summary;
    log_info("geocoding: %" PRIu64 " of %" PRIu64 " cities in %" PRId64 " s, %" PRIu64 " found", seen_of(summary),
             summary->pending, (clock_now_ms() - run->started_ms) / 1000, summary->cached + summary->asked);
    run->progress_ms = clock_now_ms() + PROGRESS_MS;
}

static void tell_end(const struct geocode_summary *summary)
{
    uint64_t seen = seen_of(summary);
    log_info("geocoding: %" PRIu64 " cities in %.2f s: %" PRIu64 " from the cache, %" PRIu64 " from Nominatim, %" PRIu64
             " not found, %" PRIu64 " refused, %" PRIu64 " failed, %" PRIu64 " left; %" PRIu64 " requests",
             summary->pending, (double) summary->duration_ms / 1000.0, summary->cached, summary->asked,
             summary->unknown, summary->refused, summary->failed, summary->pending > seen ? summary->pending - seen : 0,
             summary->requests);
}

/* Writes what is known by now. Another process may have done so meanwhile, which is as good. */
static int write_place(struct run *run, const struct work_city *city, const struct ask_result *found, struct err *err)
{
    bool is_written = false;
    int result = work_write(&run->work, city->id, found->latitude, found->longitude, &is_written, err);
    /* A stop that arrives during the statement: whether it was done shows in the next run. */
    if (result == 0 && !is_written) {
        log_debug("geocoding: city %" PRId64 " has got its coordinates from somebody else", city->id);
    }
    return result;
}

static int take_city(struct run *run, const struct work_city *city, struct err *err)
{
    struct geocode_summary *summary = run->summary;
    struct ask_result found = {.verdict = ASK_FAILED};
    int result = ask_city(&run->ask, city->name, city->postal_code, &found, err);
    if (result == 0 && (found.verdict == ASK_CACHED || found.verdict == ASK_FOUND)) {
        result = write_place(run, city, &found, err);
    }
    if (result < 0) {
        return result;
    }
    uint64_t *const counts[ASK_VERDICT_COUNT] = {[ASK_CACHED] = &summary->cached,
                                                 [ASK_FOUND] = &summary->asked,
                                                 [ASK_UNKNOWN] = &summary->unknown,
                                                 [ASK_REFUSED] = &summary->refused,
                                                 [ASK_FAILED] = &summary->failed};
    *counts[found.verdict] += 1;
    tell_progress(run);
    return 0;
}

static int take_all(struct run *run, struct err *err)
{
    struct work_city city;
    int result = work_open(&run->work, run->options, run->stop_fd, err);
    result = result < 0 ? result : work_count(&run->work, &run->summary->pending, err);
    if (result < 0 || run->summary->pending == 0) {
        return result;
    }
    BUFFER_AUTO shown = BUFFER_EMPTY;
    fetch_url_redacted(&shown, run->options->nominatim_url);
    log_info("geocoding: %" PRIu64 " cities lack coordinates; asking %s, at most every %" PRId64 " ms",
             run->summary->pending, buffer_text(&shown), run->options->rate_limit_ms);
    result = cache_open(&run->cache, run->options->cache_file, run->stop_fd, err);
    while (result == 0 && (result = work_next(&run->work, &city, err)) > 0) {
        result = stop_requested(run->stop_fd) ? err_set(err, ERR_INTERRUPTED, "stopped by request")
                                              : take_city(run, &city, err);
    }
    return result;
}

/* What ends a run is no failure of the load before it. */
static int judge(struct run *run, int result, struct err *err)
{
    struct geocode_summary *summary = run->summary;
    if (result == -(int) ERR_INTERRUPTED) {
        summary->stopped = true;
        return err_set(err, ERR_INTERRUPTED, "geocoding stopped by request after %" PRIu64 " of %" PRIu64 " cities",
                       seen_of(summary), summary->pending);
    }
    if (result < 0) {
        summary->stopped = true;
        log_warn("geocoding stopped, continuing: %s%s%s", err->message,
                 err->hint[0] == '\0' ? "" : "; hint: ", err->hint);
    }
    return 0;
}

int geocode_run(const struct geocode_options *options, struct geocode_summary *summary, struct err *err)
{
    memset(summary, 0, sizeof(*summary));
    struct run run = {.options = options, .summary = summary, .stop_fd = STOP_NONE, .cache = CACHE_EMPTY};
    struct err why;
    run.started_ms = clock_now_ms();
    run.progress_ms = run.started_ms + PROGRESS_MS;
    run.stop_fd = stop_open(&why);
    int result = run.stop_fd < 0 ? run.stop_fd : 0;
    if (result == 0) {
        ask_init(&run.ask, options, &run.cache, run.stop_fd, &summary->requests);
        result = take_all(&run, &why);
    }
    summary->duration_ms = clock_now_ms() - run.started_ms;
    ask_done(&run.ask);
    cache_close(&run.cache);
    work_close(&run.work);
    file_close(&run.stop_fd);
    result = judge(&run, result, &why);
    if (summary->pending > 0) {
        tell_end(summary);
    } else if (!summary->stopped) {
        log_info("geocoding: every city has coordinates");
    }
    if (result < 0 && err != NULL) {
        *err = why;
    }
    return result;
}
