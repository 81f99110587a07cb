/* The checks, from the record as a whole to its single fields.
 * Not here: finding quotes and ends (csv.c). */
#include "etl/record.h"

#include <inttypes.h>
#include <string.h>

#include "digitalism/base/buffer.h"

static const struct csv_field no_value = {.text = "", .length = 0};

static bool refuse(struct record_fault *fault, const char *code, const char *reason, size_t field,
                   struct csv_field value)
{
    *fault = (struct record_fault){.code = code, .reason = reason, .field = field, .value = value};
    return false;
}

/* The lines of a record that has more than one; no value for the usual one. */
static struct csv_field lines_of(const struct csv_record *record, struct buffer *out)
{
    buffer_clear(out);
    if (record->last_line <= record->line) {
        return no_value;
    }
    buffer_append_format(out, "lines %" PRIu64 " to %" PRIu64, record->line, record->last_line);
    return (struct csv_field){.text = buffer_text(out), .length = out->length};
}

static bool refuse_text(struct record_fault *fault, size_t index, struct csv_field field, enum etl_encoding encoding)
{
    bool has_nul = memchr(field.text, '\0', field.length) != NULL;
    const char *reason = has_nul                           ? "text has a NUL character"
                         : encoding == ETL_ENCODING_CP1252 ? "text is not valid cp1252"
                                                           : "text is not valid UTF-8";
    return refuse(fault, "encoding", reason, index, field);
}

bool record_check(struct record_fault *fault, const struct csv_record *record, size_t width, enum etl_encoding encoding,
                  struct buffer *lines)
{
    switch (record->fault) {
    case CSV_FAULT_TOO_LONG:
        return refuse(fault, "record_too_long", "record is longer than 1 MiB", RECORD_NO_FIELD,
                      lines_of(record, lines));
    case CSV_FAULT_TOO_MANY_FIELDS:
        return refuse(fault, "too_many_fields", "record has more than 1024 fields", RECORD_NO_FIELD, no_value);
    case CSV_FAULT_QUOTE_MISPLACED:
        return refuse(fault, "quote_misplaced",
                      "text stands behind a closing quote; a quote inside quotes has to be doubled", RECORD_NO_FIELD,
                      lines_of(record, lines));
    default:
        break;
    }
    /* What stands between ASCII is text when the whole is, and the whole is looked at faster. */
    bool is_text = record->raw_length < CSV_RAW_BYTES_MAX && utf8_is_text(record->raw, record->raw_length);
    for (size_t i = 0; i < record->field_count; i++) {
        struct csv_field field = record->fields[i];
        if (!is_text && !utf8_is_text(field.text, field.length)) {
            return refuse_text(fault, i, field, encoding);
        }
        if (i >= width && field.length > 0) {
            return refuse(fault, "too_many_fields", "record has more fields than the header", RECORD_NO_FIELD, field);
        }
    }
    return true;
}
