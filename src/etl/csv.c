/* The CSV state machine. Its states stand in csv.h; each byte that matters is one case here.
 * Not here: files and columns. */
#include "etl/csv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int csv_init(struct csv *csv, char delimiter)
{
    *csv = (struct csv){.delimiter = delimiter, .line = 1, .text = BUFFER_EMPTY, .raw = BUFFER_EMPTY};
    csv->ends = calloc(CSV_FIELDS_MAX, sizeof(*csv->ends));
    csv->fields = calloc(CSV_FIELDS_MAX, sizeof(*csv->fields));
    return csv->ends == NULL || csv->fields == NULL ? -1 : 0;
}

void csv_done(struct csv *csv)
{
    buffer_done(&csv->text);
    buffer_done(&csv->raw);
    free(csv->ends);
    free(csv->fields);
    csv->ends = NULL;
    csv->fields = NULL;
}

void csv_feed(struct csv *csv, const char *data, size_t length)
{
    assert(csv->at == csv->input_length && !csv->ended);
    csv->input = data;
    csv->input_length = length;
    csv->at = 0;
}

void csv_end(struct csv *csv)
{
    csv->ended = true;
}

uint64_t csv_quote_line(const struct csv *csv)
{
    return csv->quote_line;
}

/* Counts and keeps bytes of the record: all of them as `raw`, and as a field's content if `content` is not NULL.
 * Past the limit nothing is kept any more, and reading goes on to the record's end. */
static void take(struct csv *csv, const char *bytes, size_t length, bool content)
{
    if (csv->raw.length < CSV_RAW_BYTES_MAX) {
        size_t room = CSV_RAW_BYTES_MAX - csv->raw.length;
        buffer_append(&csv->raw, bytes, length < room ? length : room);
    }
    csv->record_bytes = length > SIZE_MAX - csv->record_bytes ? SIZE_MAX : csv->record_bytes + length;
    if (csv->record_bytes > CSV_RECORD_BYTES_MAX) {
        csv->fault = CSV_FAULT_TOO_LONG;
    }
    if (content && csv->fault == CSV_FAULT_NONE) {
        buffer_append(&csv->text, bytes, length);
    }
}

static void end_field(struct csv *csv)
{
    if (csv->field_count == CSV_FIELDS_MAX) {
        csv->fault = csv->fault == CSV_FAULT_NONE ? CSV_FAULT_TOO_MANY_FIELDS : csv->fault;
        return;
    }
    csv->ends[csv->field_count] = csv->text.length;
    csv->field_count += 1;
}

static void start_record(struct csv *csv)
{
    csv->state = CSV_STATE_FIELD_START;
    csv->record_line = csv->line;
    csv->record_bytes = 0;
    csv->fault = CSV_FAULT_NONE;
    csv->field_count = 0;
    buffer_clear(&csv->text);
    buffer_clear(&csv->raw);
}

/* Ends the record: computes where its fields stand, now that the buffer moves no more. */
static enum csv_status end_record(struct csv *csv, struct csv_record *record)
{
    end_field(csv);
    csv->state = CSV_STATE_RECORD_START;
    if (buffer_failed(&csv->text) || buffer_failed(&csv->raw)) {
        return CSV_NO_MEMORY;
    }
    const char *text = buffer_text(&csv->text);
    size_t start = 0;
    size_t count = csv->fault == CSV_FAULT_NONE ? csv->field_count : 0;
    for (size_t i = 0; i < count; i++) {
        csv->fields[i] = (struct csv_field){.text = text + start, .length = csv->ends[i] - start};
        start = csv->ends[i];
    }
    *record = (struct csv_record){.line = csv->record_line,
                                  .fault = csv->fault,
                                  .fields = csv->fields,
                                  .field_count = count,
                                  .raw = buffer_text(&csv->raw),
                                  .raw_length = csv->raw.length};
    return CSV_RECORD;
}

/* How many of the bytes ahead mean nothing but themselves in the present state. */
static size_t run_length(const struct csv *csv)
{
    const char *start = csv->input + csv->at;
    const char *end = csv->input + csv->input_length;
    const char *at = start;
    if (csv->state == CSV_STATE_QUOTED) {
        while (at < end && *at != '"' && *at != '\n' && *at != '\r') {
            at += 1;
        }
    } else {
        while (at < end && *at != csv->delimiter && *at != '\n' && *at != '\r') {
            at += 1;
        }
    }
    return (size_t) (at - start);
}

/* Keeps one byte, and counts the line that it may end. */
static void take_byte(struct csv *csv, bool content)
{
    char byte = csv->input[csv->at];
    take(csv, &byte, 1, content);
    csv->at += 1;
    /* The LF of a CRLF inside quotes was counted with its CR. */
    if (byte == '\r' || (byte == '\n' && !csv->after_cr)) {
        csv->line += 1;
    }
    csv->after_cr = byte == '\r';
}

static void step_quoted(struct csv *csv)
{
    size_t length = run_length(csv);
    if (length > 0) {
        take(csv, csv->input + csv->at, length, true);
        csv->at += length;
        csv->after_cr = false;
    } else if (csv->input[csv->at] == '"') {
        take_byte(csv, false);
        csv->state = CSV_STATE_QUOTE;
    } else {
        take_byte(csv, true);
    }
}

/* Steps over one byte, or a run of them, outside quotes. True when the record has ended. */
static bool step_unquoted(struct csv *csv)
{
    char byte = csv->input[csv->at];
    if (byte == '\n' || byte == '\r') {
        csv->at += 1;
        csv->line += 1;
        csv->after_cr = byte == '\r';
        return true;
    }
    csv->after_cr = false;
    if (byte == csv->delimiter) {
        take_byte(csv, false);
        end_field(csv);
        csv->state = CSV_STATE_FIELD_START;
    } else if (byte == '"' && csv->state == CSV_STATE_FIELD_START) {
        csv->quote_line = csv->line;
        take_byte(csv, false);
        csv->state = CSV_STATE_QUOTED;
    } else if (byte == '"' && csv->state == CSV_STATE_QUOTE) {
        take_byte(csv, true);
        csv->state = CSV_STATE_QUOTED;
    } else {
        /* Text behind a closing quote is kept: "St"-Denis is St-Denis. */
        size_t length = run_length(csv);
        take(csv, csv->input + csv->at, length, true);
        csv->at += length;
        csv->state = CSV_STATE_PLAIN;
    }
    return false;
}

static enum csv_status at_end(struct csv *csv, struct csv_record *record)
{
    if (!csv->ended) {
        return CSV_MORE;
    }
    if (csv->state == CSV_STATE_QUOTED) {
        return CSV_UNTERMINATED;
    }
    return csv->state == CSV_STATE_RECORD_START ? CSV_END : end_record(csv, record);
}

enum csv_status csv_next(struct csv *csv, struct csv_record *record)
{
    while (csv->at < csv->input_length) {
        if (csv->state == CSV_STATE_RECORD_START) {
            char byte = csv->input[csv->at];
            if (byte == '\n' || byte == '\r') { /* the rest of a CRLF, or a blank line */
                csv->line += byte == '\n' && csv->after_cr ? 0 : 1;
                csv->after_cr = byte == '\r';
                csv->at += 1;
                continue;
            }
            start_record(csv);
        }
        if (csv->state == CSV_STATE_QUOTED) {
            step_quoted(csv);
        } else if (step_unquoted(csv)) {
            return end_record(csv, record);
        }
    }
    return at_end(csv, record);
}
