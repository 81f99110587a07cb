/* The run from above: list the files, connect, lock, ask the ledger what there is to do, examine, load; and all of it
 * again from where it was when PostgreSQL goes away in the middle. Not here: each of these steps' own work. */
#include "digitalism/etl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "etl/fingerprint.h"
#include "etl/run.h"
#include "etl/source.h"

#define STATEMENT_TIMEOUT_MS INT64_C(300000)         /* for locks that others hold */
#define LARGE_BYTES          ((uint64_t) 256 * 1024) /* of a file, for each connection */
#define RETRY_FIRST_MS       200
#define RETRY_MAX_MS         5000

static int list_files(struct files *files, const struct etl_options *options, struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < options->path_count && result == 0; i++) {
        result = files_append(files, options->paths[i], err);
    }
    if (result == 0 && files->count == 0) {
        return err_set(err, ERR_ETL, "there is no file to load");
    }
    return result;
}

int etl_check(const struct etl_options *options, struct err *err)
{
    struct files files = {.paths = NULL, .count = 0};
    int result = list_files(&files, options, err);
    for (size_t i = 0; i < files.count && result == 0; i++) {
        SOURCE_AUTO source = NULL;
        result = source_open(&source, files.paths[i], &options->format, err);
    }
    files_done(&files);
    return result;
}

/* What does not change from attempt to attempt. */
static int prepare(struct run *run, struct err *err)
{
    run->stop_fd = stop_open(err);
    if (run->stop_fd < 0) {
        return run->stop_fd;
    }
    int failure = list_files(&run->files, run->options, err);
    if (failure != 0) {
        return failure;
    }
    assert(run->files.count > 0);
    run->facts = calloc(run->files.count, sizeof(*run->facts));
    run->ledgers = calloc(run->files.count, sizeof(*run->ledgers));
    if (run->facts == NULL || run->ledgers == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for %zu files", run->files.count);
    }
    fingerprint_start(&run->reading, run->facts, run->files.paths, run->files.count, run->stop_fd);
    return 0;
}

/* Connects, waits for other ETLs, and reads what every load needs. */
static int connect_and_lock(struct run *run, struct err *err)
{
    const struct etl_options *options = run->options;
    const struct db_options db_options = {.application_name = "digitalism etl",
                                          .connect_timeout_ms = options->connect_timeout_ms,
                                          .statement_timeout_ms = STATEMENT_TIMEOUT_MS};
    int failure = db_open_stoppable(&run->db, options->target, &db_options, run->stop_fd, err);
    if (failure != 0) {
        return failure;
    }
    db_interruptible(run->db, run->stop_fd);
    if (!options->is_dry) {
        failure = ledger_lock(run->db, run->stop_fd, err);
        failure = failure == 0 ? ledger_end_left(run->db, run->stop_fd, err) : failure;
        failure = failure == 0 ? ledger_close_dead(run->db, err) : failure;
    }
    failure = failure == 0 ? loader_departments(run->db, &run->departments, err) : failure;
    failure = failure == 0 ? fingerprint_wait(&run->reading, err) : failure;
    return failure == 0 ? fingerprint_all(run->facts, run->files.count, options, &run->departments, err) : failure;
}

/* Asks the ledger about every file. *work is how many there are to load. */
static int look_up(struct run *run, size_t *work, struct err *err)
{
    int failure = 0;
    *work = 0;
    for (size_t i = 0; i < run->files.count && failure == 0; i++) {
        struct ledger_run *ledger = &run->ledgers[i];
        bool is_asked = !run->options->is_dry && (!run->options->is_forced || ledger->is_ours);
        if (is_asked) {
            failure = ledger_find(run->db, ledger, run->facts, run->files.count, i, run->options->mode, err);
        } else {
            *ledger = (struct ledger_run){.state = LEDGER_NEW};
        }
        *work += ledger->state == LEDGER_DONE ? 0 : 1;
    }
    return failure;
}

/* Files that need no load: those of an earlier attempt are loaded, the others were before we came. */
static void count_done(struct run *run)
{
    for (size_t i = 0; i < run->files.count; i++) {
        const struct ledger_run *ledger = &run->ledgers[i];
        if (ledger->state != LEDGER_DONE) {
            continue;
        }
        run->summary->last_run = ledger->id;
        if (ledger->is_ours) {
            counts_add(&run->summary->counts, &ledger->counts);
            run->tally.count += ledger->counts.rejected;
            run->rows += run->facts[i].records;
            run->summary->files += 1;
            continue;
        }
        run->summary->files_unchanged += 1;
        log_info("nothing new in %s: run %" PRId64 " loaded it at %s; --force loads it again", run->facts[i].path,
                 ledger->id, ledger->finished_at);
    }
}

/* Of the files that are loaded, with what is loaded of them already. */
static void start_progress(struct run *run)
{
    uint64_t total = 0;
    uint64_t done = 0;
    for (size_t i = 0; i < run->files.count; i++) {
        const struct ledger_run *ledger = &run->ledgers[i];
        if (ledger->state != LEDGER_DONE || ledger->is_ours) {
            total += run->facts[i].records;
            done += ledger->counts.read;
        }
    }
    progress_start(&run->progress, total, done);
}

/* Whether some file is surely large enough for every connection, so that they can be opened before it was read. */
static bool is_worth_all_jobs(const struct run *run)
{
    for (size_t i = 0; i < run->files.count; i++) {
        if (run->ledgers[i].state != LEDGER_DONE && run->facts[i].bytes >= run->options->jobs * LARGE_BYTES) {
            return !run->options->is_dry;
        }
    }
    return false;
}

static int attempt(struct run *run, struct err *err)
{
    size_t work = 0;
    int failure = connect_and_lock(run, err);
    failure = failure == 0 ? look_up(run, &work, err) : failure;
    if (failure != 0) {
        return failure;
    }
    /* What an earlier attempt has told of is in the ledger. */
    *run->summary = (struct etl_summary){.files = 0};
    run->tally.count = 0;
    run->rows = 0;
    count_done(run);
    if (work == 0) {
        return 0;
    }
    failure = loader_look(&run->loader, run->db, err);
    if (failure == 0 && is_worth_all_jobs(run)) {
        loader_open(&run->loader, run->options->jobs);
    }
    failure = failure == 0 ? run_examine(run, err) : failure;
    /* From here on a stop is looked for between records: a statement that was cancelled while it was being committed
     * could not be counted truly. */
    db_interruptible(run->db, STOP_NONE);
    if (failure == 0) {
        start_progress(run);
    }
    for (size_t i = 0; i < run->files.count && failure == 0; i++) {
        failure = run_load(run, i, err);
    }
    return failure;
}

/* Ends what lives as long as the connections. */
static void end_attempt(struct run *run)
{
    progress_hide(&run->progress);
    loader_done(&run->loader);
    choice_done(&run->choice);
    departments_done(&run->departments);
    db_close(run->db);
    run->db = NULL;
}

/* What PostgreSQL refuses on a connection that stands is the load's failure, not the connection's. */
static int recode_refusal(int result, struct err *err)
{
    bool refused = result == -(int) ERR_DATABASE && err->sqlstate[0] != '\0' && !err->transient;
    return refused ? err_recode(err, ERR_ETL) : result;
}

/* Attempts until one ends for another reason than that PostgreSQL is away; each goes on where the one before was. */
static int load(struct run *run, struct err *err)
{
    struct backoff backoff = {.first_ms = RETRY_FIRST_MS, .max_ms = RETRY_MAX_MS};
    int64_t deadline_ms = CLOCK_NEVER;
    for (;;) {
        run->has_moved = false;
        int failure = attempt(run, err);
        bool had_session = run->db != NULL;
        end_attempt(run);
        if (failure != -(int) ERR_DATABASE || !err->transient) {
            return had_session ? recode_refusal(failure, err) : failure;
        }
        /* An outage lasts until something is on the disk again: that a load can begin does not mean that it gets on. */
        if (run->has_moved || deadline_ms == CLOCK_NEVER) {
            deadline_ms = clock_now_ms() + run->options->wait_timeout_ms;
            backoff_reset(&backoff);
        }
        int64_t delay_ms = backoff_next_ms(&backoff);
        if (clock_remaining_ms(deadline_ms) < delay_ms) {
            return failure;
        }
        log_warn("%s; trying again, continuing", err->message);
        failure = stop_sleep(run->stop_fd, delay_ms, err);
        if (failure != 0) {
            return failure;
        }
    }
}

int etl_run(const struct etl_options *options, struct etl_summary *summary, struct err *err)
{
    memset(summary, 0, sizeof(*summary));
    struct err own = {.transient = false};
    struct run run = {.options = options, .summary = summary, .stop_fd = STOP_NONE, .name = BUFFER_EMPTY};
    int64_t started_ms = clock_now_ms();
    err = err == NULL ? &own : err;
    run.loader.options = options;
    run.loader.tally = &run.tally;
    run.loader.tell = run_tell;
    run.loader.tell_context = &run;
    int result = prepare(&run, err);
    run.loader.stop_fd = run.stop_fd;
    result = result == 0 ? load(&run, err) : result;
    rejects_log_rest(&run.tally, options->is_dry ? "" : "; all of them are in the table digitalism_etl_rejects");
    summary->duration_ms = clock_now_ms() - started_ms;
    struct err ignored;
    (void) fingerprint_wait(&run.reading, &ignored);
    file_close(&run.stop_fd);
    buffer_done(&run.name);
    free(run.facts);
    free(run.ledgers);
    files_done(&run.files);
    return result;
}
