/* The CSV state machine. Its states stand in csv.h; each byte that matters is one case here. Most records need none of
 * it: they stand whole in the bytes that were fed, and are given out as they stand there, without a copy.
 * Not here: files and columns. */
#include "etl/csv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int csv_init(struct csv *csv, char delimiter)
{
    *csv = (struct csv){.delimiter = delimiter, .line = 1, .text = BUFFER_EMPTY, .raw = BUFFER_EMPTY};
    for (size_t byte = 0; byte < sizeof(csv->plain); byte++) {
        csv->plain[byte] = byte != '\n' && byte != '\r' && byte != (unsigned char) delimiter;
    }
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

uint64_t csv_record_line(const struct csv *csv)
{
    return csv->record_line;
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
                                  .last_line = csv->last_line,
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
        while (at < end && csv->plain[(unsigned char) *at]) {
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
        csv->last_line = csv->line;
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
        /* Whether "St"-Denis is St-Denis or a mistake of who wrote it cannot be told. */
        if (csv->state == CSV_STATE_QUOTE && csv->fault == CSV_FAULT_NONE) {
            csv->fault = CSV_FAULT_QUOTE_MISPLACED;
        }
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
    csv->last_line = csv->line;
    return csv->state == CSV_STATE_RECORD_START ? CSV_END : end_record(csv, record);
}

/* Reads a quoted field whose opening quote is at *at: its text, and *at moved behind its closing quote. False where the
 * state machine is needed: a doubled quote, a line end inside, the end of the input. */
static bool quoted_field(struct csv_field *field, const char **at, const char *end)
{
    const char *text = *at + 1;
    const char *close = memchr(text, '"', (size_t) (end - text));
    if (close == NULL || close + 1 == end || close[1] == '"') {
        return false;
    }
    *field = (struct csv_field){.text = text, .length = (size_t) (close - text)};
    *at = close + 1;
    return memchr(text, '\n', field->length) == NULL && memchr(text, '\r', field->length) == NULL;
}

/* Gives a record out that stands whole in the input, on one line, without anything to be unquoted or refused. False
 * where that is not so, or not known; nothing has moved then. */
static bool whole_record(struct csv *csv, struct csv_record *record)
{
    const char *start = csv->input + csv->at;
    const char *at = start;
    size_t ahead = csv->input_length - csv->at;
    /* Of a record of just the most bytes allowed the line end is not seen here, which is the careful side. */
    const char *end = start + (ahead < CSV_RECORD_BYTES_MAX ? ahead : CSV_RECORD_BYTES_MAX);
    size_t count = 0;
    for (;;) {
        if (at == end || count == CSV_FIELDS_MAX) {
            return false;
        }
        struct csv_field *field = &csv->fields[count++];
        if (*at == '"') {
            if (!quoted_field(field, &at, end)) {
                return false;
            }
        } else {
            field->text = at;
            while (at < end && csv->plain[(unsigned char) *at]) {
                at += 1;
            }
            field->length = (size_t) (at - field->text);
        }
        if (at == end || csv->plain[(unsigned char) *at]) {
            return false;
        }
        if (*at != csv->delimiter) {
            break;
        }
        at += 1;
    }
    size_t length = (size_t) (at - start);
    *record = (struct csv_record){.line = csv->line,
                                  .last_line = csv->line,
                                  .fault = CSV_FAULT_NONE,
                                  .fields = csv->fields,
                                  .field_count = count,
                                  .raw = start,
                                  .raw_length = length < CSV_RAW_BYTES_MAX ? length : CSV_RAW_BYTES_MAX};
    csv->at += length + 1;
    csv->line += 1;
    csv->after_cr = *at == '\r';
    return true;
}

/* A line end where a record could start: the rest of a CRLF, or a blank line. True when that is a record. */
static bool blank_line(struct csv *csv, char byte)
{
    bool rest_of_crlf = byte == '\n' && csv->after_cr;
    csv->after_cr = byte == '\r';
    csv->at += 1;
    if (rest_of_crlf) {
        return false;
    }
    if (csv->blank_records) {
        start_record(csv);
        csv->last_line = csv->line;
    }
    csv->line += 1;
    return csv->blank_records;
}

enum csv_status csv_next(struct csv *csv, struct csv_record *record)
{
    while (csv->at < csv->input_length) {
        if (csv->state == CSV_STATE_RECORD_START) {
            char byte = csv->input[csv->at];
            if (byte == '\n' || byte == '\r') {
                if (blank_line(csv, byte)) {
                    return end_record(csv, record);
                }
                continue;
            }
            if (whole_record(csv, record)) {
                return CSV_RECORD;
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
