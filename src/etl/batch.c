/* Filling a batch and handing it out as parameters.
 * Not here: the statement (statements.c). */
#include "etl/batch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum array_type column_types[] = {
    [BATCH_NAME] = ARRAY_TEXT,          [BATCH_POSTAL_CODE] = ARRAY_TEXT,   [BATCH_DEPARTMENT] = ARRAY_INT4,
    [BATCH_LATITUDE] = ARRAY_FLOAT8,    [BATCH_LONGITUDE] = ARRAY_FLOAT8,   [BATCH_REJECT_RECORD] = ARRAY_INT8,
    [BATCH_REJECT_LINE] = ARRAY_INT8,   [BATCH_REJECT_COLUMN] = ARRAY_TEXT, [BATCH_REJECT_CODE] = ARRAY_TEXT,
    [BATCH_REJECT_REASON] = ARRAY_TEXT, [BATCH_REJECT_RAW] = ARRAY_TEXT,
};
static_assert(sizeof(column_types) / sizeof(column_types[0]) == BATCH_COLUMN_COUNT, "every column has its type");

void counts_add(struct etl_counts *sum, const struct etl_counts *counts)
{
    sum->read += counts->read;
    sum->inserted += counts->inserted;
    sum->updated += counts->updated;
    sum->unchanged += counts->unchanged;
    sum->duplicate += counts->duplicate;
    sum->rejected += counts->rejected;
    sum->without_coordinates += counts->without_coordinates;
}

struct batch *batch_new(void)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < BATCH_COLUMN_COUNT; i++) {
        array_init(&batch->columns[i], column_types[i]);
    }
    return batch;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL) {
        return;
    }
    for (size_t i = 0; i < BATCH_COLUMN_COUNT; i++) {
        array_done(&batch->columns[i]);
    }
    buffer_done(&batch->raw);
    buffer_done(&batch->text);
    free(batch->origins);
    free(batch);
}

void batch_clear(struct batch *batch, size_t part, uint64_t from)
{
    for (size_t i = 0; i < BATCH_COLUMN_COUNT; i++) {
        array_clear(&batch->columns[i]);
    }
    buffer_clear(&batch->raw);
    buffer_clear(&batch->text);
    batch->counts = (struct etl_counts){.read = 0};
    batch->part = part;
    batch->from = from;
    batch->to = from;
    batch->is_durable = false;
    batch->is_fresh = false;
    batch->is_refused = false;
    batch->failed = false;
    batch->next = NULL;
}

/* Notes where the row came from that was appended last. */
static void append_origin(struct batch *batch, struct batch_origin origin, const char *raw)
{
    size_t index = batch_rows(batch) - 1;
    if (index >= batch->origin_capacity) {
        size_t capacity = batch->origin_capacity == 0 ? 128 : batch->origin_capacity * 2;
        struct batch_origin *origins = realloc(batch->origins, capacity * sizeof(*origins));
        if (origins == NULL) {
            batch->failed = true;
            return;
        }
        batch->origins = origins;
        batch->origin_capacity = capacity;
    }
    origin.raw_start = batch->raw.length;
    batch->origins[index] = origin;
    buffer_append(&batch->raw, raw, origin.raw_length);
}

static void append_degrees(struct array *array, bool present, double degrees)
{
    if (present) {
        array_append_float8(array, degrees);
    } else {
        array_append_null(array);
    }
}

void batch_append(struct batch *batch, const struct row *row, uint64_t record, const struct csv_record *source)
{
    struct array *columns = batch->columns;
    bool lacks = !row->has_latitude || !row->has_longitude;
    array_append_text(&columns[BATCH_NAME], row->name, row->name_length);
    array_append_text(&columns[BATCH_POSTAL_CODE], row->postal_code, COMMUNE_POSTAL_CODE_SIZE - 1);
    array_append_int4(&columns[BATCH_DEPARTMENT], row->department_id);
    append_degrees(&columns[BATCH_LATITUDE], row->has_latitude, row->latitude);
    append_degrees(&columns[BATCH_LONGITUDE], row->has_longitude, row->longitude);
    append_origin(
        batch,
        (struct batch_origin){
            .record = record, .line = source->line, .raw_length = source->raw_length, .lacks_coordinates = lacks},
        source->raw);
    batch->counts.read += 1;
    batch->counts.without_coordinates += lacks ? 1 : 0;
    batch->to = record;
}

static void append_reject(struct batch *batch, const struct reject *reject)
{
    struct array *columns = batch->columns;
    const struct row_reject *why = reject->why;
    buffer_clear(&batch->text);
    reject_append_text(&batch->text, reject->raw.text, reject->raw.length);
    array_append_int8(&columns[BATCH_REJECT_RECORD], (int64_t) reject->record);
    array_append_int8(&columns[BATCH_REJECT_LINE], (int64_t) reject->line);
    array_append_text(&columns[BATCH_REJECT_COLUMN], why->column, strlen(why->column));
    array_append_text(&columns[BATCH_REJECT_CODE], why->code, strlen(why->code));
    array_append_text(&columns[BATCH_REJECT_REASON], why->reason, strlen(why->reason));
    array_append_text(&columns[BATCH_REJECT_RAW], buffer_text(&batch->text), batch->text.length);
    batch->counts.rejected += 1;
}

void batch_append_reject(struct batch *batch, const struct reject *reject)
{
    append_reject(batch, reject);
    batch->counts.read += 1;
    batch->to = reject->record;
}

void batch_count_duplicate(struct batch *batch, uint64_t record)
{
    batch->counts.read += 1;
    batch->counts.duplicate += 1;
    batch->to = record;
}

size_t batch_rows(const struct batch *batch)
{
    return batch->columns[BATCH_NAME].count;
}

size_t batch_held(const struct batch *batch)
{
    return batch_rows(batch) + batch->columns[BATCH_REJECT_RECORD].count;
}

size_t batch_bytes(const struct batch *batch)
{
    size_t bytes = batch->raw.length;
    for (size_t i = 0; i < BATCH_COLUMN_COUNT; i++) {
        bytes += batch->columns[i].bytes.length;
    }
    return bytes;
}

struct reject batch_reject_of(const struct batch *batch, size_t index, const struct row_reject *why)
{
    const struct batch_origin *origin = &batch->origins[index];
    return (struct reject){.file = batch->file,
                           .line = origin->line,
                           .record = origin->record,
                           .why = why,
                           .raw = {.text = buffer_text(&batch->raw) + origin->raw_start, .length = origin->raw_length}};
}

void batch_copy_rows(struct batch *out, const struct batch *from, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        for (size_t column = 0; column < BATCH_ROW_COLUMNS; column++) {
            array_append_elements(&out->columns[column], &from->columns[column], i, 1);
        }
        append_origin(out, from->origins[i], buffer_text(&from->raw) + from->origins[i].raw_start);
    }
}

void batch_copy_rest(struct batch *out, const struct batch *from)
{
    for (size_t column = BATCH_ROW_COLUMNS; column < BATCH_COLUMN_COUNT; column++) {
        array_append_elements(&out->columns[column], &from->columns[column], 0, from->columns[column].count);
    }
    out->counts = from->counts;
    out->file = from->file;
    out->run = from->run;
    out->part = from->part;
    out->from = from->from;
    out->to = from->to;
    out->is_durable = from->is_durable;
}

void batch_refuse_row(struct batch *out, const struct batch *from, size_t index, const struct row_reject *why)
{
    const struct reject reject = batch_reject_of(from, index, why);
    append_reject(out, &reject);
    out->counts.without_coordinates -= from->origins[index].lacks_coordinates ? 1 : 0;
}

bool batch_failed(const struct batch *batch)
{
    bool failed = batch->failed || buffer_failed(&batch->text) || buffer_failed(&batch->raw);
    for (size_t i = 0; i < BATCH_COLUMN_COUNT; i++) {
        failed = failed || buffer_failed(&batch->columns[i].bytes);
    }
    return failed;
}

int batch_values(struct batch *batch, bool is_dry, struct db_value values[static BATCH_VALUES_MAX],
                 struct batch_texts *texts)
{
    const struct etl_counts *counts = &batch->counts;
    const uint64_t numbers[] = {(uint64_t) batch->run,
                                batch->part,
                                batch->from,
                                batch->to,
                                counts->read,
                                batch_rows(batch),
                                counts->duplicate,
                                counts->rejected,
                                counts->without_coordinates};
    static_assert(sizeof(numbers) / sizeof(numbers[0]) == BATCH_NUMBER_COUNT, "every number has its text");
    int count = 0;
    for (size_t i = 0; i < (is_dry ? BATCH_ROW_COLUMNS : (size_t) BATCH_COLUMN_COUNT); i++) {
        values[count++] = array_value(&batch->columns[i]);
    }
    for (size_t i = 0; i < BATCH_NUMBER_COUNT && !is_dry; i++) {
        (void) snprintf(texts->numbers[i], sizeof(texts->numbers[i]), "%" PRIu64, numbers[i]);
        values[count++] = db_text(texts->numbers[i]);
        if (i == 0) {
            values[count++] = db_text(batch->file);
        }
    }
    if (!is_dry) {
        values[count++] = db_text(batch->is_durable ? "on" : "off");
    }
    return count;
}
