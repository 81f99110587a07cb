/* Bisection of a refused batch.
 * Not here: what becomes of the rejects afterwards. */
#include "etl/refusal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "digitalism/base/stop.h"
#include "digitalism/db_batch.h"
#include "etl/statements.h"

#define REASON_BYTES_MAX 500

bool refusal_is_of_rows(const struct err *refusal)
{
    const char *state = refusal->sqlstate;
    return strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0 || strncmp(state, "44", 2) == 0 ||
           strncmp(state, "P0", 2) == 0;
}

static bool is_of_the_moment(const struct err *refusal)
{
    return strcmp(refusal->sqlstate, "40001") == 0 || strcmp(refusal->sqlstate, "40P01") == 0;
}

/* What the search works on: `trial` gets the rows of `batch` that are tried. */
struct search {
    struct lane *lane;
    const struct batch *batch;
    struct batch *trial;
};

/* Whether PostgreSQL takes these rows; if not, `refusal` tells why. Deferred constraints are checked as well. */
static int try_rows(struct search *search, size_t first, size_t count, bool *is_taken, struct err *refusal,
                    struct err *err)
{
    struct db *db = search->lane->db;
    struct db_value values[BATCH_VALUES_MAX];
    struct batch_texts texts;
    struct batch *trial = search->trial;
    batch_clear(trial, search->batch->part, search->batch->from);
    trial->file = search->batch->file;
    trial->run = search->batch->run;
    batch_copy_rows(trial, search->batch, first, count);
    trial->counts.read = count;
    if (batch_failed(trial)) {
        return err_set(err, ERR_INTERNAL, "no memory for a batch of %zu rows", count);
    }
    int failure = db_exec(db, "BEGIN; SET CONSTRAINTS ALL IMMEDIATE", err);
    if (failure != 0) {
        return failure;
    }
    int parameter_count = batch_values(trial, search->lane->is_dry, values, &texts);
    const char *name = statements_name(false);
    int refused = db_query_prepared(db, NULL, name, values, parameter_count, refusal);
    *is_taken = refused == 0;
    if (refused != 0 && !refusal_is_of_rows(refusal)) {
        *err = *refusal;
        return refused;
    }
    return db_exec(db, "ROLLBACK", err);
}

/* Finds the first row from `start` on that is refused; `*found` is the number of rows when there is none. */
static int find_refused(struct search *search, size_t start, size_t *found, struct err *refusal, struct err *err)
{
    size_t end = batch_rows(search->batch);
    bool is_taken = true;
    int failure = start < end ? try_rows(search, start, end - start, &is_taken, refusal, err) : 0;
    if (failure != 0 || is_taken) {
        *found = end;
        return failure;
    }
    /* The rows before `taken` are taken, those before `end` are not. */
    size_t taken = start;
    while (failure == 0 && end - taken > 1) {
        size_t middle = taken + (end - taken) / 2;
        struct err why;
        failure = try_rows(search, start, middle - start, &is_taken, &why, err);
        if (is_taken) {
            taken = middle;
        } else {
            end = middle;
            *refusal = why;
        }
    }
    *found = taken;
    return failure;
}

static void refuse_row(struct search *search, struct batch *mended, size_t index, const struct err *refusal)
{
    char code[32];
    char reason[REASON_BYTES_MAX + 1];
    (void) snprintf(code, sizeof(code), "postgresql_%s", refusal->sqlstate);
    size_t length = strcspn(refusal->message, "\n");
    length = length <= REASON_BYTES_MAX ? length : utf8_cut(refusal->message, REASON_BYTES_MAX);
    memcpy(reason, refusal->message, length);
    reason[length] = '\0';
    const struct row_reject why = {.column = "", .code = code, .reason = reason, .value = {.text = "", .length = 0}};
    const struct reject reject = batch_reject_of(search->batch, index, &why);
    rejects_note(search->lane->tally, &reject);
    batch_refuse_row(mended, search->batch, index, &why);
}

static int sort_out(struct search *search, struct batch *mended, struct err *err)
{
    size_t rows = batch_rows(search->batch);
    size_t start = 0;
    int failure = 0;
    batch_copy_rest(mended, search->batch);
    while (failure == 0 && start < rows) {
        size_t found = rows;
        struct err refusal;
        failure = find_refused(search, start, &found, &refusal, err);
        if (failure == 0) {
            batch_copy_rows(mended, search->batch, start, found - start);
        }
        if (failure == 0 && found < rows) {
            refuse_row(search, mended, found, &refusal);
        }
        start = found + 1;
    }
    return failure;
}

/* The mended batch's content moves into the refused one, which keeps its identity. */
static void swap_content(struct batch *batch, struct batch *mended)
{
    struct batch kept = *batch;
    *batch = *mended;
    *mended = kept;
    batch->next = NULL;
    mended->next = NULL;
}

int refusal_mend(struct lane *lane, struct batch *batch, struct err *err)
{
    if (is_of_the_moment(&batch->refusal)) {
        return 0;
    }
    if (!refusal_is_of_rows(&batch->refusal)) {
        *err = batch->refusal;
        return err_prefix(err, "cannot load the records %" PRIu64 " to %" PRIu64 " of %s", batch->from + 1, batch->to,
                          batch->file);
    }
    struct batch *mended = batch_new();
    struct search search = {.lane = lane, .batch = batch, .trial = batch_new()};
    bool has_memory = mended != NULL && search.trial != NULL;
    int failure = has_memory ? db_batch_end(lane->db, err) : err_set(err, ERR_INTERNAL, "no memory for a batch");
    if (failure == 0 && has_memory) {
        /* Trials change nothing, so that a stop may cancel them. */
        db_interruptible(lane->db, lane->stop_fd);
        failure = sort_out(&search, mended, err);
        db_interruptible(lane->db, STOP_NONE);
        failure = failure == 0 ? db_batch_begin(lane->db, err) : failure;
    }
    if (failure == 0 && has_memory) {
        swap_content(batch, mended);
    }
    batch_free(search.trial);
    batch_free(mended);
    return failure;
}
