/* One batch: rows and rejects of one part as the parameters of its statement, and what has to be known of them if
 * PostgreSQL refuses one. Not here: sending (lane.h), which rows go into which batch (loader.h). */
#ifndef ETL_BATCH_H
#define ETL_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/etl.h"
#include "etl/array.h"
#include "etl/rejects.h"
#include "etl/row.h"
#include "etl/statements.h"

/* Where a row came from. */
struct batch_origin {
    uint64_t record;
    uint64_t line;
    size_t raw_start; /* in the batch's `raw` */
    size_t raw_length;
    bool lacks_coordinates;
};

struct batch {
    struct array columns[BATCH_COLUMN_COUNT];
    struct batch_origin *origins; /* one for each row */
    size_t origin_capacity;
    struct buffer raw;
    struct buffer text;       /* for one reject's text */
    struct etl_counts counts; /* inserted, updated and unchanged are only known from the answer */
    const char *file;         /* the caller's */
    int64_t run;
    size_t part;
    uint64_t from; /* the place of its part where it begins, and where it ends: record numbers */
    uint64_t to;
    bool is_durable; /* its commit waits for the disk */
    bool is_fresh;   /* sent by the statement for new rows */
    bool is_refused;
    struct err refusal;
    bool failed; /* memory was short */
    struct batch *next;
};

void counts_add(struct etl_counts *sum, const struct etl_counts *counts);

/* NULL when memory is short. */
struct batch *batch_new(void);
void batch_free(struct batch *batch); /* NULL is allowed */

/* Empties it and gives it its place. */
void batch_clear(struct batch *batch, size_t part, uint64_t from);

/* The record must be higher than all before it. `record` is its number in the file. */
void batch_append(struct batch *batch, const struct row *row, uint64_t record, const struct csv_record *source);
void batch_append_reject(struct batch *batch, const struct reject *reject);
void batch_count_duplicate(struct batch *batch, uint64_t record);

size_t batch_rows(const struct batch *batch);
size_t batch_held(const struct batch *batch); /* rows and rejects */
size_t batch_bytes(const struct batch *batch);

/* For making a batch anew without the rows that were refused: rows of the old one, its rejects and counts, and a reject
 * for a row that PostgreSQL does not take. */
void batch_copy_rows(struct batch *out, const struct batch *from, size_t first, size_t count);
void batch_copy_rest(struct batch *out, const struct batch *from);
void batch_refuse_row(struct batch *out, const struct batch *from, size_t index, const struct row_reject *why);

/* Where row `index` came from, as a reject. */
struct reject batch_reject_of(const struct batch *batch, size_t index, const struct row_reject *why);

/* The statement's parameters; the texts of numbers are kept in `texts`. */
#define BATCH_NUMBER_SIZE  24
#define BATCH_NUMBER_COUNT 9
#define BATCH_VALUES_MAX   (BATCH_COLUMN_COUNT + BATCH_NUMBER_COUNT + 2)
struct batch_texts {
    char numbers[BATCH_NUMBER_COUNT][BATCH_NUMBER_SIZE];
};
int batch_values(struct batch *batch, bool is_dry, struct db_value values[static BATCH_VALUES_MAX],
                 struct batch_texts *texts);

/* Whether memory was short while it was filled. */
bool batch_failed(const struct batch *batch);

#endif
