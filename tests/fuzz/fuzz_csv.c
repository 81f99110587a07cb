/* The CSV reader and the rows behind it: any bytes, in any pieces, give the same records, and none breaks a rule.
 * Not here: files. The input's first two bytes choose the delimiter and the size of the pieces. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/base/buffer.h"
#include "etl/csv.h"
#include "etl/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct csv_record *record)
{
    const struct row_layout layout = {.index = {0, 1, 2, 3, 4, 5}, .width = 6};
    struct departments departments = {.list = NULL, .count = 0};
    struct row row;
    struct row_reject why;
    BUFFER_AUTO name = BUFFER_EMPTY;
    if (departments_append(&departments, "75", 1, NULL) < 0) {
        return;
    }
    enum row_status status = row_parse(&row, &why, &name, record, &layout, &departments);
    if (status == ROW_OK) {
        assert(record->fault == CSV_FAULT_NONE && row.name_length > 0 && row.department_id == 1);
        assert(commune_postal_code_valid(row.postal_code, strlen(row.postal_code)));
        assert(!row.has_latitude || (row.latitude >= -90 && row.latitude <= 90));
        assert(!row.has_longitude || (row.longitude >= -180 && row.longitude <= 180));
    } else if (status == ROW_REJECTED) {
        assert(why.code[0] != '\0' && why.reason[0] != '\0');
    }
    departments_done(&departments);
}

/* What holds for every record: its raw text has no more lines than it says, and its fields no bytes but those. */
static void check_record(const struct csv_record *record, char delimiter)
{
    size_t bytes = 0;
    size_t lines = 0;
    for (size_t i = 0; i < record->raw_length; i++) {
        bool rest_of_crlf = i > 0 && record->raw[i] == '\n' && record->raw[i - 1] == '\r';
        lines += (record->raw[i] == '\n' || record->raw[i] == '\r') && !rest_of_crlf ? 1U : 0U;
    }
    for (size_t i = 0; i < record->field_count; i++) {
        bytes += record->fields[i].length;
    }
    assert(record->raw_length <= CSV_RAW_BYTES_MAX);
    if (record->raw_length < CSV_RAW_BYTES_MAX) {
        assert(record->last_line - record->line == lines);
        assert(bytes + (record->field_count > 0 ? record->field_count - 1 : 0) <= record->raw_length);
    }
    if (record->fault == CSV_FAULT_NONE) {
        assert(record->field_count >= 1 && record->field_count <= CSV_FIELDS_MAX);
        assert(memchr(record->raw, '"', record->raw_length) != NULL || record->field_count == 1 ||
               memchr(record->raw, delimiter, record->raw_length) != NULL || record->raw_length == CSV_RAW_BYTES_MAX);
    } else {
        assert(record->field_count == 0);
    }
}

/* Reads everything in pieces of `step` bytes and writes down what came out. */
static void read_all(struct buffer *out, const uint8_t *data, size_t size, size_t step, char delimiter,
                     bool blank_records, bool rows)
{
    struct csv csv;
    struct csv_record record;
    if (csv_init(&csv, delimiter) < 0) {
        csv_done(&csv);
        return;
    }
    csv.blank_records = blank_records;
    size_t fed = 0;
    uint64_t line = 0;
    bool ended = false;
    for (;;) {
        enum csv_status status = csv_next(&csv, &record);
        if (status == CSV_RECORD) {
            assert(record.line > line && record.last_line >= record.line);
            line = record.last_line;
            check_record(&record, delimiter);
            buffer_append_format(out, "%llu-%llu,%d", (unsigned long long) record.line,
                                 (unsigned long long) record.last_line, (int) record.fault);
            for (size_t i = 0; i < record.field_count; i++) {
                buffer_append_format(out, "[%zu:", record.fields[i].length);
                buffer_append(out, record.fields[i].text, record.fields[i].length);
            }
            buffer_append(out, record.raw, record.raw_length);
            if (rows) {
                check_row(&record);
            }
        } else if (status == CSV_MORE && fed < size) {
            size_t piece = size - fed < step ? size - fed : step;
            csv_feed(&csv, (const char *) data + fed, piece);
            fed += piece;
        } else if (status == CSV_MORE) {
            assert(!ended);
            csv_end(&csv);
            ended = true;
        } else {
            buffer_append_format(out, "(%d", (int) status);
            if (status == CSV_UNTERMINATED) {
                assert(csv_record_line(&csv) > line && csv_quote_line(&csv) >= csv_record_line(&csv));
                buffer_append_format(out, " %llu", (unsigned long long) csv_quote_line(&csv));
            }
            break;
        }
    }
    csv_done(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = {',', ';', '\t', '|'};
    if (size < 2) {
        return 0;
    }
    char delimiter = delimiters[data[0] % sizeof(delimiters)];
    bool blank_records = (data[0] & 0x80) != 0;
    size_t step = (size_t) data[1] + 1;
    BUFFER_AUTO whole = BUFFER_EMPTY;
    BUFFER_AUTO pieces = BUFFER_EMPTY;
    read_all(&whole, data + 2, size - 2, size, delimiter, blank_records, true);
    read_all(&pieces, data + 2, size - 2, step, delimiter, blank_records, false);
    assert(whole.length == pieces.length);
    assert(whole.length == 0 || memcmp(whole.data, pieces.data, whole.length) == 0);
    return 0;
}
