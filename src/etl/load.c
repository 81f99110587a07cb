/* One file on its way into PostgreSQL, record by record.
 * Not here: batches and lanes (loader.c), the ledger's statements (ledger.c). */
#include <inttypes.h>
#include <string.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "etl/run.h"
#include "etl/source.h"

#define LEDGER_MS        500  /* the ledger's row is as fresh as that, for who looks at it meanwhile */
#define PART_RECORDS_MIN 2000 /* of a file; for fewer one more connection costs more than it brings */

static bool over_limit(const struct run *run, bool at_end)
{
    const struct etl_options *options = run->options;
    if (options->rejects_max_permille < 0) {
        return run->tally.count > (uint64_t) options->rejects_max;
    }
    /* A share of the rows read is known when all are read. */
    return at_end && run->tally.count * 1000 > run->rows * (uint64_t) options->rejects_max_permille;
}

/* Puts one record into its part, as what it is, unless an earlier attempt has done so. */
static int take_record(struct run *run, const struct source *source, const struct csv_record *record, struct err *err)
{
    struct row row;
    struct row_reject why;
    struct loader *loader = &run->loader;
    uint64_t number = source_records(source);
    run->record += 1;
    enum row_status status = row_parse(&row, &why, &run->name, record, source_layout(source), &run->departments);
    if (status == ROW_NO_MEMORY) {
        return err_set(err, ERR_INTERNAL, "no memory for a row");
    }
    if (status == ROW_REJECTED) {
        size_t part = loader_part_of_record(loader, number);
        const struct reject reject = {.file = loader->file,
                                      .line = record->line,
                                      .record = number,
                                      .why = &why,
                                      .raw = {.text = record->raw, .length = record->raw_length}};
        if (loader_has(loader, part, number)) {
            return 0;
        }
        progress_hide(&run->progress);
        rejects_note(&run->tally, &reject);
        return loader_append_reject(loader, part, &reject, err);
    }
    bool counts = false;
    int failure = choice_counts(&run->choice, &row, run->record, &counts, err);
    size_t part = loader_part_of_row(loader, &row);
    if (failure != 0 || loader_has(loader, part, number)) {
        return failure;
    }
    return counts ? loader_append(loader, part, &row, number, record, err)
                  : loader_count_duplicate(loader, part, number, err);
}

/* All batches have been answered. */
static int complain_limit(const struct run *run, struct err *err)
{
    const struct etl_counts before = run->summary->counts;
    const struct etl_counts here = loader_counts(&run->loader);
    BUFFER_AUTO limit = BUFFER_EMPTY;
    if (run->options->rejects_max_permille < 0) {
        buffer_append_integer(&limit, run->options->rejects_max);
    } else {
        buffer_append_format(&limit, "%g %% of the rows", run->options->rejects_max_permille / 10.0);
    }
    (void) err_set(err, ERR_ETL,
                   "too many rejects: the limit is %s; read %" PRIu64 ", inserted %" PRIu64 ", updated %" PRIu64
                   ", unchanged %" PRIu64 ", duplicate %" PRIu64 ", rejected %" PRIu64,
                   buffer_text(&limit), before.read + here.read, before.inserted + here.inserted,
                   before.updated + here.updated, before.unchanged + here.unchanged, before.duplicate + here.duplicate,
                   before.rejected + here.rejected);
    err_hint(err, "digitalism etl rejects tells each record and its reason; ETL_MAX_REJECTS sets the limit");
    return -(int) ERR_ETL;
}

int64_t run_tell(void *context)
{
    struct run *run = context;
    if (progress_is_due(&run->progress)) {
        progress_tell(&run->progress, run->summary->counts.read + run->loader.durable.read);
    }
    return run->progress.next_ms;
}

static void tell_progress(struct run *run)
{
    if (!run->options->is_dry && clock_remaining_ms(run->ledger_ms) == 0) {
        /* A connection that is lost shows at its next real use. */
        (void) ledger_update(run->db, run->loader.run, NULL);
        run->ledger_ms = clock_now_ms() + LEDGER_MS;
    }
    (void) run_tell(run);
}

static int load_records(struct run *run, struct source *source, struct err *err)
{
    struct csv_record record;
    int result = 0;
    while (result == 0 && (result = source_next(source, &record, err)) > 0) {
        result = take_record(run, source, &record, err);
        if (result == 0 && over_limit(run, false)) {
            /* What was read until here is loaded, so that the counts tell of all of it. */
            result = loader_finish(&run->loader, err);
            return result < 0 ? result : complain_limit(run, err);
        }
        if (result == 0 && run->record % RUN_STOP_CHECK_RECORDS == 0) {
            tell_progress(run);
            if (stop_requested(run->stop_fd)) {
                result = err_set(err, ERR_INTERRUPTED, "stopped by request");
            }
        }
    }
    return result < 0 ? result : loader_finish(&run->loader, err);
}

/* The file has to be the one that was examined: with other records the choice among duplicates would be wrong. */
static int check_same(const struct run *run, size_t index, struct source *source, bool *is_changed, struct err *err)
{
    char sha256[SHA256_TEXT_SIZE];
    int result = source_sha256(source, sha256, err);
    *is_changed = result == 0 && strcmp(sha256, run->facts[index].sha256) != 0;
    if (*is_changed) {
        (void) err_set(err, ERR_ETL, "%s was changed while it was being loaded", run->facts[index].path);
        err_hint(err, "load it again");
        return -(int) ERR_ETL;
    }
    return result;
}

/* Opens the ledger's row, or takes an unfinished one up. */
static int begin(struct run *run, size_t index, struct err *err)
{
    struct ledger_run *ledger = &run->ledgers[index];
    const struct ledger_file *facts = &run->facts[index];
    int failure = 0;
    if (run->options->is_dry) {
        *ledger = (struct ledger_run){.part_count = 1};
    } else if (ledger->state == LEDGER_UNFINISHED) {
        failure = ledger_resume(run->db, ledger, facts, err);
        if (failure == 0) {
            log_info("going on with run %" PRId64 " of %s: %" PRIu64 " of %" PRIu64 " records are loaded", ledger->id,
                     facts->path, ledger->counts.read, facts->records);
        }
    } else {
        uint64_t useful = 1 + facts->records / PART_RECORDS_MIN;
        size_t parts = useful < run->options->jobs ? (size_t) useful : run->options->jobs;
        failure = ledger_start(run->db, ledger, facts, run->options->mode, parts, err);
    }
    ledger->is_ours = true;
    if (failure == 0) {
        run->rows += facts->records;
        run->tally.count += ledger->counts.rejected;
    }
    return failure;
}

/* Closes the ledger's row by the outcome and takes its counts over: what it says is on the disk. Where it cannot be
 * closed, only what is known to be there is counted. */
static int finish(struct run *run, size_t index, const struct err *outcome, struct err *err)
{
    struct ledger_run *ledger = &run->ledgers[index];
    struct etl_counts counts = run->options->is_dry ? loader_counts(&run->loader) : run->loader.durable;
    int failure = run->options->is_dry ? 0 : ledger_finish(run->db, ledger->id, outcome, &counts, err);
    counts_add(&run->summary->counts, &counts);
    run->summary->last_run = ledger->id;
    if (!run->options->is_dry && run->options->rejects_directory != NULL && failure == 0) {
        rejects_write_file(run->db, ledger->id, run->options->rejects_directory);
    }
    return failure;
}

/* After a failure: what is on its way may still arrive, and the row says what ended the run. That this may fail too
 * changes nothing for the caller, and shows in the ledger. */
static void end_badly(struct run *run, size_t index, const struct err *why)
{
    struct err ignored;
    if (why->code != ERR_DATABASE) {
        (void) loader_abandon(&run->loader, clock_now_ms() + run->options->stop_timeout_ms, &ignored);
    }
    (void) finish(run, index, why, &ignored);
}

static bool is_last_load(const struct run *run, size_t index)
{
    for (size_t i = index + 1; i < run->files.count; i++) {
        if (run->ledgers[i].state != LEDGER_DONE) {
            return false;
        }
    }
    return true;
}

static int load_file(struct run *run, size_t index, struct err *err)
{
    SOURCE_AUTO source = NULL;
    bool is_changed = false;
    int failure = source_open(&source, run->facts[index].path, &run->options->format, err);
    failure = failure == 0 ? begin(run, index, err) : failure;
    if (failure != 0) {
        return failure;
    }
    failure = loader_begin(&run->loader, run->facts[index].path, &run->ledgers[index], err);
    failure = failure == 0 ? load_records(run, source, err) : failure;
    run->has_moved = run->has_moved || run->loader.durable.read > run->ledgers[index].counts.read;
    failure = failure == 0 ? check_same(run, index, source, &is_changed, err) : failure;
    progress_hide(&run->progress);
    if (failure == 0 && is_last_load(run, index) && over_limit(run, true)) {
        failure = complain_limit(run, err);
    }
    if (failure != 0) {
        end_badly(run, index, err);
        if (is_changed && !run->options->is_dry) {
            (void) ledger_forget_places(run->db, run->ledgers[index].id, NULL);
        }
        return failure;
    }
    failure = finish(run, index, NULL, err);
    run->summary->files += failure == 0 ? 1 : 0;
    return failure;
}

/* The keys of a file that is loaded already count for the files behind it all the same. */
static int see_keys(struct run *run, size_t index, struct err *err)
{
    SOURCE_AUTO source = NULL;
    struct csv_record record;
    struct row row;
    struct row_reject why;
    bool counts;
    int result = source_open(&source, run->facts[index].path, &run->options->format, err);
    while (result == 0 && (result = source_next(source, &record, err)) > 0) {
        run->record += 1;
        enum row_status status = row_parse(&row, &why, &run->name, &record, source_layout(source), &run->departments);
        result = status == ROW_OK ? choice_counts(&run->choice, &row, run->record, &counts, err) : 0;
    }
    return result;
}

int run_load(struct run *run, size_t index, struct err *err)
{
    return run->ledgers[index].state == LEDGER_DONE ? see_keys(run, index, err) : load_file(run, index, err);
}
