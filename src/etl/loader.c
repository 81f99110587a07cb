/* Parts, lanes, and waiting for them.
 * Not here: what a batch is (batch.c), what happens to it on its way (lane.c). */
#include "etl/loader.h"

#include <assert.h>
#include <string.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/stop.h"
#include "digitalism/db_batch.h"
#include "etl/keys.h"

/* Records that a batch may count without holding a row of them: duplicates. */
#define BATCH_RECORDS_MAX 4096

int loader_departments(struct db *db, struct departments *departments, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int status = db_query(db, &result,
                          "SELECT code_departement, id FROM departments WHERE deleted_at IS NULL "
                          "ORDER BY code_departement COLLATE \"C\"",
                          NULL, 0, err);
    if (status < 0) {
        if (strcmp(err->sqlstate, "42P01") == 0) {
            err_hint(err, "the migrations make it: run digitalism migrate");
        }
        return err_prefix(err, "cannot read the departments");
    }
    for (size_t row = 0; row < db_result_rows(result) && status == 0; row++) {
        status = departments_append(departments, db_result_text(result, row, 0),
                                    (int32_t) db_result_integer(result, row, 1), err);
    }
    if (status == 0 && departments->count == 0) {
        (void) err_set(err, ERR_ETL, "the table departments has no rows, so that no city can be filed");
        err_hint(err, "the migrations fill it: run digitalism migrate");
        return -(int) ERR_ETL;
    }
    return status;
}

static void drop_filling(struct loader *loader)
{
    for (size_t i = 0; i < loader->part_count; i++) {
        batch_free(loader->parts[i].filling);
        loader->parts[i].filling = NULL;
    }
}

int loader_look(struct loader *loader, struct db *db, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(db, &result, "SELECT NOT EXISTS (SELECT FROM cities)", NULL, 0, err);
    loader->is_empty = failure == 0 && db_result_boolean(result, 0, 0);
    return failure;
}

static void *open_in_thread(void *argument)
{
    struct loader_opening *opening = argument;
    opening->failure = lane_open(opening->lane, opening->options, &opening->err);
    return NULL;
}

void loader_open(struct loader *loader, size_t lane_count)
{
    for (; loader->lane_count < lane_count; loader->lane_count++) {
        struct lane *lane = &loader->lanes[loader->lane_count];
        struct loader_opening *opening = &loader->openings[loader->lane_count];
        *lane = (struct lane){.durable = &loader->durable,
                              .tally = loader->tally,
                              .stop_fd = loader->stop_fd,
                              .is_fresh = loader->is_empty};
        *opening = (struct loader_opening){.lane = lane, .options = loader->options};
        opening->is_running = pthread_create(&opening->thread, NULL, open_in_thread, opening) == 0;
        if (!opening->is_running) {
            (void) open_in_thread(opening);
        }
    }
}

/* Waits until every lane is open, or is not to be had. */
static int join_openings(struct loader *loader, struct err *err)
{
    int failure = 0;
    for (size_t i = 0; i < loader->lane_count; i++) {
        struct loader_opening *opening = &loader->openings[i];
        if (opening->is_running) {
            (void) pthread_join(opening->thread, NULL);
            opening->is_running = false;
        }
        if (opening->failure != 0 && failure == 0) {
            failure = opening->failure;
            *err = opening->err;
        }
    }
    return failure;
}

void loader_done(struct loader *loader)
{
    struct err ignored;
    (void) join_openings(loader, &ignored);
    drop_filling(loader);
    for (size_t i = 0; i < loader->lane_count; i++) {
        lane_close(&loader->lanes[i]);
    }
    loader->lane_count = 0;
}

int loader_begin(struct loader *loader, const char *file, const struct ledger_run *run, struct err *err)
{
    drop_filling(loader);
    loader->file = file;
    loader->run = run->id;
    loader->durable = run->counts;
    for (size_t i = 0; i < loader->lane_count; i++) {
        loader->lanes[i].pending = (struct etl_counts){.read = 0};
    }
    loader->part_count = run->part_count;
    for (size_t i = 0; i < run->part_count; i++) {
        loader->parts[i] = (struct loader_part){.position = run->positions[i], .sent = run->positions[i]};
    }
    loader_open(loader, run->part_count < loader->options->jobs ? run->part_count : loader->options->jobs);
    return join_openings(loader, err);
}

size_t loader_part_of_row(const struct loader *loader, const struct row *row)
{
    /* The high bits: the low ones choose the place in the table of keys. */
    return (size_t) (keys_hash(row->postal_code, row->name, row->name_length) >> 32) % loader->part_count;
}

size_t loader_part_of_record(const struct loader *loader, uint64_t record)
{
    return (size_t) (record % loader->part_count);
}

bool loader_has(const struct loader *loader, size_t part, uint64_t record)
{
    return record <= loader->parts[part].position;
}

static struct lane *lane_of(struct loader *loader, size_t part)
{
    return &loader->lanes[part % loader->lane_count];
}

/* Takes what has arrived on any lane; waits for it until the deadline. */
static int receive(struct loader *loader, int stop_fd, int64_t deadline_ms, struct err *err)
{
    struct db *dbs[ETL_JOBS_MAX];
    for (size_t i = 0; i < loader->lane_count; i++) {
        dbs[i] = loader->lanes[i].db;
    }
    int arrived = db_batch_wait(dbs, loader->lane_count, stop_fd, deadline_ms, err);
    int failure = arrived < 0 ? arrived : 0;
    for (size_t i = 0; i < loader->lane_count && failure == 0; i++) {
        failure = lane_receive(&loader->lanes[i], err);
    }
    return failure;
}

/* The same with no limit, but for what is told meanwhile. A stop ends it. */
static int await(struct loader *loader, struct err *err)
{
    int64_t tell_ms = loader->tell == NULL ? CLOCK_NEVER : loader->tell(loader->tell_context);
    return receive(loader, loader->stop_fd, tell_ms, err);
}

static int send_filling(struct loader *loader, size_t part, struct err *err)
{
    struct loader_part *state = &loader->parts[part];
    struct lane *lane = lane_of(loader, part);
    int failure = receive(loader, STOP_NONE, clock_now_ms(), err);
    while (failure == 0 && !lane_has_room(lane, state->filling)) {
        failure = await(loader, err);
    }
    if (failure == 0) {
        state->sent = state->filling->to;
        struct batch *batch = state->filling;
        state->filling = NULL;
        failure = lane_send(lane, batch, err);
    }
    return failure;
}

/* The batch that the part's next record goes into. */
static struct batch *filling_of(struct loader *loader, size_t part, struct err *err)
{
    struct loader_part *state = &loader->parts[part];
    if (state->filling == NULL) {
        state->filling = lane_batch(lane_of(loader, part));
        if (state->filling == NULL) {
            (void) err_set(err, ERR_INTERNAL, "no memory for a batch");
            return NULL;
        }
        batch_clear(state->filling, part, state->sent);
        state->filling->file = loader->file;
        state->filling->run = loader->run;
    }
    return state->filling;
}

static int send_if_full(struct loader *loader, size_t part, struct err *err)
{
    const struct batch *batch = loader->parts[part].filling;
    bool is_full = batch_held(batch) >= loader->options->batch_size || batch->counts.read >= BATCH_RECORDS_MAX;
    return is_full ? send_filling(loader, part, err) : 0;
}

int loader_append(struct loader *loader, size_t part, const struct row *row, uint64_t record,
                  const struct csv_record *source, struct err *err)
{
    struct batch *batch = filling_of(loader, part, err);
    if (batch == NULL) {
        return -(int) ERR_INTERNAL;
    }
    batch_append(batch, row, record, source);
    return send_if_full(loader, part, err);
}

int loader_append_reject(struct loader *loader, size_t part, const struct reject *reject, struct err *err)
{
    struct batch *batch = filling_of(loader, part, err);
    if (batch == NULL) {
        return -(int) ERR_INTERNAL;
    }
    batch_append_reject(batch, reject);
    return send_if_full(loader, part, err);
}

int loader_count_duplicate(struct loader *loader, size_t part, uint64_t record, struct err *err)
{
    struct batch *batch = filling_of(loader, part, err);
    if (batch == NULL) {
        return -(int) ERR_INTERNAL;
    }
    batch_count_duplicate(batch, record);
    return send_if_full(loader, part, err);
}

static bool is_waiting(const struct loader *loader)
{
    for (size_t i = 0; i < loader->lane_count; i++) {
        if (loader->lanes[i].on_way.count > 0) {
            return true;
        }
    }
    return false;
}

struct etl_counts loader_counts(const struct loader *loader)
{
    struct etl_counts counts = loader->durable;
    for (size_t i = 0; i < loader->lane_count; i++) {
        counts_add(&counts, &loader->lanes[i].pending);
    }
    return counts;
}

int loader_finish(struct loader *loader, struct err *err)
{
    int failure = 0;
    for (size_t i = 0; i < loader->part_count && failure == 0; i++) {
        failure = loader->parts[i].filling == NULL ? 0 : send_filling(loader, i, err);
    }
    while (failure == 0 && is_waiting(loader)) {
        failure = await(loader, err);
    }
    return failure;
}

int loader_abandon(struct loader *loader, int64_t deadline_ms, struct err *err)
{
    int failure = 0;
    drop_filling(loader);
    while (failure == 0 && is_waiting(loader) && clock_remaining_ms(deadline_ms) > 0) {
        failure = receive(loader, STOP_NONE, deadline_ms, err);
    }
    return failure;
}
