/* The first readings of all files.
 * Not here: loading them (load.c). */
#include <inttypes.h>

#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "etl/run.h"
#include "etl/source.h"

/* Tells the choice about a record, if it is a row. */
static int foresee(struct run *run, const struct source *source, const struct csv_record *record, bool *fits,
                   struct err *err)
{
    struct row row;
    struct row_reject why;
    enum row_status status = row_parse(&row, &why, &run->name, record, source_layout(source), &run->departments);
    *fits = true;
    if (status == ROW_NO_MEMORY) {
        return err_set(err, ERR_INTERNAL, "no memory for a row");
    }
    return status == ROW_OK ? choice_foresee(&run->choice, &row, run->record, fits, err) : 0;
}

/* How much room the record's key may take at most: upper case and NFC make a text of UTF-8 three times as long at most
 * (U+0390). */
static uint64_t key_bytes(const struct source *source, const struct csv_record *record)
{
    int index = source_layout(source)->index[ROW_COLUMN_NAME];
    size_t length = (size_t) index < record->field_count ? record->fields[index].length : 0;
    return length * 3 + KEYS_OTHER_BYTES;
}

/* Reads one file; `foresees` whether rows matter, until they do not fit any more. */
static int read_file(struct run *run, size_t index, bool *foresees, struct err *err)
{
    SOURCE_AUTO source = NULL;
    struct csv_record record;
    struct ledger_file *facts = &run->facts[index];
    bool fits = true;
    int result = source_open(&source, facts->path, &run->options->format, err);
    while (result == 0 && (result = source_next(source, &record, err)) > 0) {
        run->record += 1;
        run->key_bytes += key_bytes(source, &record);
        result = *foresees ? foresee(run, source, &record, &fits, err) : 0;
        *foresees = *foresees && fits;
        if (result == 0 && run->record % RUN_STOP_CHECK_RECORDS == 0 && stop_requested(run->stop_fd)) {
            result = err_set(err, ERR_INTERRUPTED, "stopped by request before anything was loaded");
        }
    }
    if (result == 0) {
        facts->records = source_records(source);
        log_info("reading %s: %" PRIu64 " bytes, %" PRIu64 " records, delimiter %s", facts->path,
                 source_bytes_read(source), facts->records, source_delimiter_name(source));
    }
    return result;
}

static int read_all(struct run *run, bool *foresees, struct err *err)
{
    int failure = 0;
    run->record = 0;
    run->key_bytes = 0;
    for (size_t i = 0; i < run->files.count && failure == 0; i++) {
        failure = read_file(run, i, foresees, err);
    }
    run->records = run->record;
    run->record = 0;
    return failure;
}

/* All rows once more, into PostgreSQL. */
static int spill(struct run *run, struct err *err)
{
    bool foresees = true;
    log_info("%" PRIu64 " records are more than fit into memory: PostgreSQL sorts their keys", run->records);
    int failure = choice_spill(&run->choice, run->db, err);
    failure = failure == 0 ? read_all(run, &foresees, err) : failure;
    return failure == 0 ? choice_sort(&run->choice, err) : failure;
}

int run_examine(struct run *run, struct err *err)
{
    bool is_replace = run->options->mode == ETL_MODE_REPLACE;
    bool foresees = is_replace;
    run->choice = (struct choice){.mode = run->options->mode};
    int failure = read_all(run, &foresees, err);
    /* In skip keys are kept while loading, so that there has to be room for all of them for sure. */
    bool fits = is_replace ? foresees : run->records <= KEYS_MAX && run->key_bytes <= KEYS_TEXT_BYTES_MAX;
    return failure == 0 && !fits ? spill(run, err) : failure;
}
