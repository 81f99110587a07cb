/* The run from above: check the files, connect, lock, read once to know them, read again to load, hold the reject
 * limit. Not here: each of these steps' own work. */
#include "digitalism/etl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "etl/departments.h"
#include "etl/files.h"
#include "etl/keys.h"
#include "etl/ledger.h"
#include "etl/loader.h"
#include "etl/rejects.h"
#include "etl/row.h"
#include "etl/source.h"

#define STATEMENT_TIMEOUT_MS INT64_C(300000) /* a batch takes milliseconds; this is for locks that others hold */
#define PROGRESS_MS          5000
#define STOP_CHECK_RECORDS   4096
#define BARRIER_BATCHES      32 /* every so many batches the commit waits for the disk */

/* What the first reading of a file found. */
struct file_facts {
    uint64_t records;
    char sha256[SHA256_TEXT_SIZE];
};

/* All that a run has. */
struct run {
    const struct etl_options *options;
    struct etl_summary *summary;  /* the caller's: what is on the disk */
    struct etl_summary committed; /* what is committed, on the disk or not yet */
    uint64_t batches;
    struct db *db;
    int stop_fd;
    struct files files;
    struct file_facts *facts; /* one for each file */
    struct departments departments;
    struct keys keys;
    struct buffer name;     /* of the row at hand */
    uint64_t record;        /* of all files together, for the keys */
    uint64_t records_total; /* of all files together */
    uint64_t rejects_seen;  /* committed or not */
    int64_t started_ms;
    int64_t progress_ms;
};

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
        result = source_open(&source, files.paths[i], err);
    }
    files_done(&files);
    return result;
}

/* Connects, takes SIGTERM over, waits for other ETLs, and readies the connection. */
static int connect_and_lock(struct run *run, struct err *err)
{
    const struct db_options db_options = {.application_name = "digitalism etl",
                                          .connect_timeout_ms = run->options->connect_timeout_ms,
                                          .statement_timeout_ms = STATEMENT_TIMEOUT_MS};
    int result = db_open(&run->db, run->options->target, &db_options, err);
    if (result < 0) {
        return result;
    }
    run->stop_fd = stop_open(err);
    if (run->stop_fd < 0) {
        return run->stop_fd;
    }
    db_interruptible(run->db, run->stop_fd);
    result = ledger_lock(run->db, run->stop_fd, err);
    result = result < 0 ? result : ledger_close_dead(run->db, err);
    result = result < 0 ? result : loader_departments(run->db, &run->departments, err);
    result = result < 0 ? result : loader_prepare(run->db, run->options->mode, err);
    /* From here on a stop is looked for between batches: a batch that was cancelled while it was being committed could
     * not be counted truly. */
    db_interruptible(run->db, STOP_NONE);
    return result;
}

/* In replace the last record of a key counts, so that all have to be seen before the first is loaded. */
static int remember_last(struct run *run, const struct source *source, const struct csv_record *record, struct err *err)
{
    struct row row;
    struct row_reject why;
    enum row_status status = row_parse(&row, &why, &run->name, record, source_layout(source), &run->departments);
    if (status == ROW_NO_MEMORY) {
        return err_set(err, ERR_INTERNAL, "no memory for a row");
    }
    if (status == ROW_REJECTED) {
        return 0;
    }
    uint64_t *last;
    int result = keys_record(&run->keys, &last, row.name, row.name_length, row.postal_code, err);
    if (result == 0) {
        *last = run->record;
    }
    return result;
}

/* The first reading: what is wrong with a file as a whole is found before anything of it is loaded. */
static int examine_file(struct run *run, size_t index, struct err *err)
{
    SOURCE_AUTO source = NULL;
    struct csv_record record;
    int result = source_open(&source, run->files.paths[index], err);
    while (result == 0) {
        result = source_next(source, &record, err);
        if (result <= 0) {
            break;
        }
        run->record += 1;
        result = run->options->mode == ETL_MODE_REPLACE ? remember_last(run, source, &record, err) : 0;
        if (result == 0 && run->record % STOP_CHECK_RECORDS == 0 && stop_requested(run->stop_fd)) {
            result = err_set(err, ERR_INTERRUPTED, "stopped by request before anything was loaded");
        }
    }
    if (result == 0) {
        struct file_facts *facts = &run->facts[index];
        facts->records = source_records(source);
        result = source_sha256(source, facts->sha256, err);
        log_info("reading %s: %" PRIu64 " bytes, %" PRIu64 " records, delimiter %s", run->files.paths[index],
                 source_bytes_read(source), facts->records, source_delimiter_name(source));
    }
    return result;
}

static int examine(struct run *run, struct err *err)
{
    run->facts = calloc(run->files.count, sizeof(*run->facts));
    if (run->facts == NULL) {
        (void) err_set(err, ERR_INTERNAL, "no memory for %zu files", run->files.count);
        return -(int) ERR_INTERNAL;
    }
    int result = 0;
    for (size_t i = 0; i < run->files.count && result == 0; i++) {
        result = examine_file(run, i, err);
    }
    run->records_total = run->record;
    run->record = 0;
    return result;
}

static bool over_limit(const struct run *run, bool at_end)
{
    const struct etl_options *options = run->options;
    if (options->rejects_max_permille < 0) {
        return run->rejects_seen > (uint64_t) options->rejects_max;
    }
    /* A share of the rows read is known when all are read. */
    return at_end && run->rejects_seen * 1000 > run->record * (uint64_t) options->rejects_max_permille;
}

static int complain_limit(const struct run *run, struct err *err)
{
    const struct etl_summary *s = &run->committed;
    BUFFER_AUTO limit = BUFFER_EMPTY;
    if (run->options->rejects_max_permille < 0) {
        buffer_append_integer(&limit, run->options->rejects_max);
    } else {
        buffer_append_format(&limit, "%g %% of the rows", run->options->rejects_max_permille / 10.0);
    }
    (void) err_set(err, ERR_ETL,
                   "too many rejects: the limit is %s; read %" PRIu64 ", inserted %" PRIu64 ", updated %" PRIu64
                   ", unchanged %" PRIu64 ", duplicate %" PRIu64 ", rejected %" PRIu64,
                   buffer_text(&limit), s->read, s->inserted, s->updated, s->unchanged, s->duplicate, s->rejected);
    err_hint(err, "the table digitalism_etl_rejects tells each record and its reason; ETL_MAX_REJECTS sets the limit");
    return -(int) ERR_ETL;
}

/* Whether this record is the one that counts for its key: the first in skip, the last in replace. */
static int counts_for_key(struct run *run, const struct row *row, bool *counts, struct err *err)
{
    uint64_t *counting;
    int result = keys_record(&run->keys, &counting, row->name, row->name_length, row->postal_code, err);
    if (result == 0) {
        *counting = *counting == 0 ? run->record : *counting;
        *counts = *counting == run->record;
    }
    return result;
}

/* Puts one record into the batch, as what it is. */
static int take_record(struct run *run, struct loader *loader, struct rejects_file *rejects_file,
                       const struct source *source, const struct csv_record *record, struct err *err)
{
    struct row row;
    struct row_reject why;
    run->record += 1;
    enum row_status status = row_parse(&row, &why, &run->name, record, source_layout(source), &run->departments);
    if (status == ROW_NO_MEMORY) {
        return err_set(err, ERR_INTERNAL, "no memory for a row");
    }
    if (status == ROW_REJECTED) {
        const struct reject reject = {.file = loader->file,
                                      .line = record->line,
                                      .record = source_records(source),
                                      .why = &why,
                                      .raw = {.text = record->raw, .length = record->raw_length}};
        rejects_log(&run->rejects_seen, &reject);
        loader_append_reject(loader, &reject);
        rejects_file_append(rejects_file, &reject);
        return 0;
    }
    bool counts = false;
    int result = counts_for_key(run, &row, &counts, err);
    if (result == 0 && counts) {
        loader_append(loader, &row);
    } else if (result == 0) {
        loader_count_duplicate(loader);
    }
    return result;
}

static void tell_progress(struct run *run)
{
    if (clock_remaining_ms(run->progress_ms) > 0) {
        return;
    }
    int64_t elapsed_ms = clock_now_ms() - run->started_ms;
    log_info("%" PRIu64 " of %" PRIu64 " rows read (%" PRIu64 " %%) in %" PRId64 " s", run->summary->read,
             run->records_total, run->summary->read * 100 / (run->records_total == 0 ? 1 : run->records_total),
             elapsed_ms / 1000);
    run->progress_ms = clock_now_ms() + PROGRESS_MS;
}

static int commit_batch(struct run *run, struct loader *loader, struct rejects_file *rejects_file, struct err *err)
{
    if (loader->batch.read == 0) {
        return 0;
    }
    run->batches += 1;
    bool durable = run->batches % BARRIER_BATCHES == 0;
    int result = loader_flush(loader, durable, &run->committed, err);
    if (result == 0) {
        if (durable) {
            *run->summary = run->committed;
        }
        rejects_file_flush(rejects_file);
        tell_progress(run);
    }
    return result;
}

/* All records of one file, in batches. */
static int load_records(struct run *run, struct loader *loader, struct rejects_file *rejects_file,
                        struct source *source, struct err *err)
{
    struct csv_record record;
    int result = 0;
    while (result == 0 && (result = source_next(source, &record, err)) > 0) {
        result = take_record(run, loader, rejects_file, source, &record, err);
        bool over = over_limit(run, false);
        if (result < 0 ||
            (!over && loader_held(loader) < run->options->batch_size && loader->batch.read < STOP_CHECK_RECORDS)) {
            continue;
        }
        result = commit_batch(run, loader, rejects_file, err);
        if (result == 0 && over) {
            result = complain_limit(run, err);
        } else if (result == 0 && stop_requested(run->stop_fd)) {
            result = err_set(err, ERR_INTERRUPTED, "stopped by request after %" PRIu64 " of %" PRIu64 " rows",
                             run->committed.read, run->records_total);
        }
    }
    return result < 0 ? result : commit_batch(run, loader, rejects_file, err);
}

/* The file has to be the one that was examined: with other records the choice among duplicates would be wrong. */
static int check_same(const struct run *run, size_t index, struct source *source, struct err *err)
{
    char sha256[SHA256_TEXT_SIZE];
    int result = source_sha256(source, sha256, err);
    if (result == 0 && strcmp(sha256, run->facts[index].sha256) != 0) {
        (void) err_set(err, ERR_ETL, "%s was changed while it was being loaded", run->files.paths[index]);
        err_hint(err, "load it again");
        return -(int) ERR_ETL;
    }
    return result;
}

static int load_file(struct run *run, size_t index, struct err *err)
{
    const char *path = run->files.paths[index];
    SOURCE_AUTO source = NULL;
    int64_t number = 0;
    int result = source_open(&source, path, err);
    if (result == 0) {
        result = ledger_start(run->db, &number, path, source_bytes_total(source), run->facts[index].sha256,
                              run->options->mode, err);
    }
    if (result < 0) {
        return result;
    }
    struct loader loader;
    struct rejects_file rejects_file;
    run->summary->last_run = run->committed.last_run = number;
    loader_open(&loader, run->db, path, number);
    rejects_file_open(&rejects_file, run->options->rejects_directory, number);
    result = load_records(run, &loader, &rejects_file, source, err);
    result = result < 0 ? result : check_same(run, index, source, err);
    if (result == 0 && index + 1 == run->files.count && over_limit(run, true)) {
        result = complain_limit(run, err);
    }
    rejects_file_flush(&rejects_file);
    rejects_file_close(&rejects_file);
    loader_done(&loader);
    run->committed.files += result == 0 ? 1 : 0;
    /* What ended the load is what the caller has to know; that its row could not be closed shows in the ledger. */
    struct err finish_err;
    int finished = ledger_finish(run->db, number, result < 0 ? err : NULL, &finish_err);
    if (finished == 0) {
        *run->summary = run->committed;
    }
    if (result == 0 && finished < 0) {
        *err = finish_err;
        result = finished;
    }
    return result;
}

/* What PostgreSQL refuses on a connection that stands is the load's failure, not the connection's. */
static int recode_refusal(const struct run *run, int result, struct err *err)
{
    bool refused = result == -(int) ERR_DATABASE && run->db != NULL && err->sqlstate[0] != '\0' && !err->transient;
    return refused ? err_recode(err, ERR_ETL) : result;
}

static int load(struct run *run, struct err *err)
{
    int result = list_files(&run->files, run->options, err);
    result = result < 0 ? result : connect_and_lock(run, err);
    result = result < 0 ? result : examine(run, err);
    for (size_t i = 0; i < run->files.count && result == 0; i++) {
        result = load_file(run, i, err);
    }
    return recode_refusal(run, result, err);
}

int etl_run(const struct etl_options *options, struct etl_summary *summary, struct err *err)
{
    memset(summary, 0, sizeof(*summary));
    struct err own;
    struct run run = {.options = options, .summary = summary, .stop_fd = STOP_NONE, .name = BUFFER_EMPTY};
    run.keys.text = (struct buffer) BUFFER_EMPTY;
    run.started_ms = clock_now_ms();
    run.progress_ms = run.started_ms + PROGRESS_MS;
    int result = load(&run, err == NULL ? &own : err);
    rejects_log_rest(run.rejects_seen);
    summary->duration_ms = clock_now_ms() - run.started_ms;
    db_close(run.db);
    file_close(&run.stop_fd);
    keys_done(&run.keys);
    departments_done(&run.departments);
    buffer_done(&run.name);
    free(run.facts);
    files_done(&run.files);
    return result;
}
