/* Sending batches, counting them when they are committed, and mending those that were refused.
 * Not here: finding the rows at fault (refusal.c). */
#include "etl/lane.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/stop.h"
#include "digitalism/db_batch.h"
#include "etl/ledger.h"
#include "etl/refusal.h"
#include "etl/statements.h"

/* A batch takes milliseconds; this is for locks that others hold. */
#define STATEMENT_TIMEOUT_MS INT64_C(300000)
#define BARRIER_BATCHES      32   /* every so many batches a commit waits for the disk */
#define FRESH_ROWS           2000 /* so many new ones in a row, and the next ones are thought to be new too */
#define ATTEMPTS_MAX         5    /* of a batch that is refused again and again */
#define AGAIN_MS             50   /* so long who won a deadlock has to get on; longer each time */

static void push(struct batch_queue *queue, struct batch *batch)
{
    batch->next = NULL;
    *(queue->last == NULL ? &queue->first : &queue->last->next) = batch;
    queue->last = batch;
    queue->count += 1;
    queue->bytes += batch_bytes(batch);
}

static struct batch *pop(struct batch_queue *queue)
{
    struct batch *batch = queue->first;
    if (batch != NULL) {
        queue->first = batch->next;
        queue->last = queue->first == NULL ? NULL : queue->last;
        queue->count -= 1;
        queue->bytes -= batch_bytes(batch);
        batch->next = NULL;
    }
    return batch;
}

static void give_back(struct lane *lane, struct batch *batch)
{
    batch->next = lane->spare;
    lane->spare = batch;
}

struct batch *lane_batch(struct lane *lane)
{
    struct batch *batch = lane->spare;
    if (batch == NULL) {
        return batch_new();
    }
    lane->spare = batch->next;
    batch->next = NULL;
    return batch;
}

int lane_open(struct lane *lane, const struct etl_options *options, struct err *err)
{
    const struct db_options db_options = {.application_name = "digitalism etl batches",
                                          .connect_timeout_ms = options->connect_timeout_ms,
                                          .statement_timeout_ms = STATEMENT_TIMEOUT_MS};
    lane->mode = options->mode;
    lane->is_dry = options->is_dry;
    int failure = db_open_stoppable(&lane->db, options->target, &db_options, lane->stop_fd, err);
    failure = failure == 0 && !lane->is_dry ? ledger_mark_lane(lane->db, err) : failure;
    failure = failure == 0 ? statements_prepare(lane->db, lane->mode, lane->is_dry, err) : failure;
    return failure == 0 ? db_batch_begin(lane->db, err) : failure;
}

void lane_close(struct lane *lane)
{
    struct batch *batch;
    while ((batch = pop(&lane->on_way)) != NULL || (batch = pop(&lane->failed)) != NULL) {
        batch_free(batch);
    }
    while (lane->spare != NULL) {
        batch = lane->spare;
        lane->spare = batch->next;
        batch_free(batch);
    }
    db_close(lane->db);
    lane->db = NULL;
}

bool lane_has_room(const struct lane *lane, const struct batch *batch)
{
    return lane->on_way.count == 0 ||
           (lane->on_way.count < LANE_BATCHES_MAX && lane->on_way.bytes + batch_bytes(batch) <= LANE_BYTES_MAX);
}

int lane_send(struct lane *lane, struct batch *batch, struct err *err)
{
    assert(lane_has_room(lane, batch));
    lane->since_barrier += 1;
    batch->is_durable = batch->is_durable || lane->since_barrier >= BARRIER_BATCHES;
    lane->since_barrier = batch->is_durable ? 0 : lane->since_barrier;
    /* In the queue first, so that it is released whatever happens. */
    push(&lane->on_way, batch);
    if (batch_failed(batch)) {
        return err_set(err, ERR_INTERNAL, "no memory for a batch of %zu rows", batch_held(batch));
    }
    struct db_value values[BATCH_VALUES_MAX];
    struct batch_texts texts;
    int count = batch_values(batch, lane->is_dry, values, &texts);
    batch->is_fresh = lane->is_fresh && !lane->is_dry;
    return db_batch_send(lane->db, statements_name(batch->is_fresh), values, count, err);
}

static void count_committed(struct lane *lane, struct batch *batch, const struct db_result *rows)
{
    struct etl_counts *counts = &batch->counts;
    counts->inserted = (uint64_t) db_result_integer(rows, 0, 0);
    counts->updated = (uint64_t) db_result_integer(rows, 0, 1);
    counts->unchanged = batch_rows(batch) - counts->inserted - counts->updated;
    counts_add(&lane->pending, counts);
    if (counts->inserted < batch_rows(batch)) {
        lane->new_rows = 0;
        lane->is_fresh = false;
    } else {
        lane->new_rows += batch_rows(batch);
        lane->is_fresh = !lane->was_wrong && (lane->is_fresh || lane->new_rows >= FRESH_ROWS);
    }
    if (batch->is_durable) {
        counts_add(lane->durable, &lane->pending);
        lane->pending = (struct etl_counts){.read = 0};
    }
}

/* Takes one answer if it is there. Returns as db_batch_receive(). */
static int take_answer(struct lane *lane, struct err *err)
{
    struct db_answer answer;
    int taken = lane->on_way.count == 0 ? 0 : db_batch_receive(lane->db, &answer, err);
    if (taken <= 0) {
        return taken;
    }
    struct batch *batch = pop(&lane->on_way);
    if (answer.rows != NULL && db_result_rows(answer.rows) == 1) {
        count_committed(lane, batch, answer.rows);
        give_back(lane, batch);
    } else {
        batch->is_refused = answer.rows == NULL;
        batch->refusal = answer.refusal;
        lane->was_wrong = lane->was_wrong || (batch->is_refused && batch->is_fresh);
        push(&lane->failed, batch);
    }
    db_result_free(answer.rows);
    return 1;
}

/* Waits until everything on its way was answered. */
static int settle(struct lane *lane, struct err *err)
{
    int failure = 0;
    while (failure == 0 && lane->on_way.count > 0) {
        int taken = take_answer(lane, err);
        failure = taken < 0 ? taken : 0;
        if (taken == 0) {
            int arrived = db_batch_wait(&lane->db, 1, STOP_NONE, CLOCK_NEVER, err);
            failure = arrived < 0 ? arrived : 0;
        }
    }
    return failure;
}

static int complain_place(const struct batch *batch, struct err *err)
{
    (void) err_set(err, ERR_DATABASE, "part %zu of run %" PRId64 " is not at record %" PRIu64 " any more", batch->part,
                   batch->run, batch->from);
    /* Somebody else has moved it on; reading the ledger again tells where it is. */
    if (err != NULL) {
        err->transient = true;
    }
    return -(int) ERR_DATABASE;
}

static int64_t pause_ms(const struct batch *batch, int attempt)
{
    return refusal_is_of_rows(&batch->refusal) ? 0 : (int64_t) AGAIN_MS << attempt;
}

/* Sends one batch until it is committed, turning rows that PostgreSQL refuses into rejects. Takes the batch over. */
static int mend_batch(struct lane *lane, struct batch *batch, struct err *err)
{
    int failure = 0;
    for (int attempt = 0; failure == 0 && batch != NULL; attempt++) {
        if (batch->is_refused && attempt == ATTEMPTS_MAX) {
            *err = batch->refusal;
            failure = err_prefix(err, "a batch was refused %d times", ATTEMPTS_MAX);
            break;
        }
        if (batch->is_refused) {
            failure = refusal_mend(lane, batch, err);
            failure = failure == 0 ? stop_sleep(STOP_NONE, pause_ms(batch, attempt), err) : failure;
        }
        if (failure == 0) {
            batch->is_refused = false;
            /* By the statement that the rows were tried with: the other one checks those too that are there already. */
            lane->is_fresh = false;
            failure = lane_send(lane, batch, err);
            batch = NULL;
            failure = failure == 0 ? settle(lane, err) : failure;
        }
        if (failure == 0 && lane->failed.count > 0) {
            batch = pop(&lane->failed);
            failure = batch->is_refused ? 0 : complain_place(batch, err);
        }
    }
    batch_free(batch);
    return failure;
}

int lane_receive(struct lane *lane, struct err *err)
{
    int taken;
    while ((taken = take_answer(lane, err)) > 0) {
    }
    if (taken < 0 || lane->failed.count == 0) {
        return taken;
    }
    int failure = settle(lane, err);
    struct batch_queue failed = lane->failed;
    lane->failed = (struct batch_queue){.first = NULL};
    if (failure == 0 && !failed.first->is_refused) {
        failure = complain_place(failed.first, err);
    }
    struct batch *batch;
    while ((batch = pop(&failed)) != NULL) {
        if (failure == 0) {
            failure = mend_batch(lane, batch, err);
        } else {
            batch_free(batch);
        }
    }
    return failure;
}
