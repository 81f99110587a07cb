/* Showing a file as it is read, for people who wonder what became of a row, and for tests.
 * Not here: reading (source.c), what is wrong with a record (record.c). */
#include <errno.h>
#include <inttypes.h>

#include "digitalism/base/buffer.h"
#include "digitalism/etl.h"
#include "digitalism/json.h"
#include "etl/record.h"
#include "etl/source.h"

#define FLUSH_BYTES ((size_t) 64 * 1024) /* held before they are written */

/* What has been printed, and where to. */
struct printing {
    const char *path;
    FILE *out;
    struct buffer text; /* what is not written yet */
    struct buffer fault;
    struct buffer lines; /* of record_check() */
    size_t width;        /* fields of the first record */
    uint64_t records;
    uint64_t faults;
};

static int flush(struct printing *printing, struct err *err)
{
    struct buffer *text = &printing->text;
    if (buffer_failed(text)) {
        return err_set(err, ERR_INTERNAL, "no memory to print the records of %s", printing->path);
    }
    if (text->length > 0 && fwrite(text->data, 1, text->length, printing->out) != text->length) {
        return err_set_errno(err, ERR_INTERNAL, errno, "cannot print the records of %s", printing->path);
    }
    buffer_clear(text);
    return 0;
}

static void print_fault(struct printing *printing, uint64_t line, const struct buffer *fault)
{
    struct json_writer writer = json_writer_init(&printing->text);
    json_open_object(&writer);
    json_key(&writer, "line");
    json_integer(&writer, (int64_t) line);
    json_key(&writer, "error");
    json_text(&writer, buffer_text(fault), fault->length);
    json_close_object(&writer);
    buffer_append_char(&printing->text, '\n');
    printing->faults += 1;
}

static void print_record(struct printing *printing, const struct csv_record *record)
{
    struct json_writer writer = json_writer_init(&printing->text);
    json_open_object(&writer);
    json_key(&writer, "line");
    json_integer(&writer, (int64_t) record->line);
    json_key(&writer, "fields");
    json_open_array(&writer);
    for (size_t i = 0; i < record->field_count; i++) {
        json_text(&writer, record->fields[i].text, record->fields[i].length);
    }
    json_close_array(&writer);
    json_close_object(&writer);
    buffer_append_char(&printing->text, '\n');
}

/* A record, or what is wrong with it. */
static void print(struct printing *printing, const struct csv_record *record, enum etl_encoding encoding)
{
    struct record_fault fault;
    printing->records += 1;
    if (printing->records == 1) {
        /* A header that could not be read tells no width. */
        printing->width = record->fault == CSV_FAULT_NONE ? record->field_count : SIZE_MAX;
    }
    buffer_clear(&printing->lines);
    if (record_check(&fault, record, printing->width, encoding, &printing->lines)) {
        print_record(printing, record);
        return;
    }
    buffer_clear(&printing->fault);
    buffer_append_text(&printing->fault, fault.reason);
    if (fault.field != RECORD_NO_FIELD) {
        buffer_append_format(&printing->fault, " (field %zu)", fault.field + 1);
    } else if (printing->lines.length > 0) {
        buffer_append_format(&printing->fault, " (%s)", buffer_text(&printing->lines));
    }
    print_fault(printing, record->line, &printing->fault);
}

/* A quote that never closes has taken in the rest of the file. */
static void print_unterminated(struct printing *printing, const struct source *source)
{
    uint64_t record_line;
    uint64_t quote_line;
    if (source_unterminated(source, &record_line, &quote_line)) {
        buffer_clear(&printing->fault);
        buffer_append_format(&printing->fault, "the quote that opens on line %" PRIu64 " is never closed", quote_line);
        print_fault(printing, record_line, &printing->fault);
    }
}

static int print_all(struct printing *printing, struct source *source, struct err *err)
{
    struct csv_record record;
    int result;
    while ((result = source_next(source, &record, err)) > 0) {
        print(printing, &record, source_encoding(source));
        if (printing->text.length >= FLUSH_BYTES) {
            int written = flush(printing, err);
            if (written < 0) {
                return written;
            }
        }
    }
    print_unterminated(printing, source);
    struct err write_err;
    int written = flush(printing, &write_err);
    if (written == 0 && fflush(printing->out) != 0) {
        written = err_set_errno(&write_err, ERR_INTERNAL, errno, "cannot print the records of %s", printing->path);
    }
    if (written < 0) {
        *err = write_err;
        return written;
    }
    if (result == 0 && printing->faults > 0) {
        (void) err_set(err, ERR_ETL, "%s: %" PRIu64 " of %" PRIu64 " records cannot be used", printing->path,
                       printing->faults, printing->records);
        err_hint(err, "the lines with an \"error\" tell where and why");
        return -(int) ERR_ETL;
    }
    return result;
}

int etl_print_records(const char *path, const struct etl_format *format, FILE *out, struct err *err)
{
    SOURCE_AUTO source = NULL;
    int result = source_open_any(&source, path, format, err);
    if (result < 0) {
        return result;
    }
    struct printing printing = {
        .path = path, .out = out, .text = BUFFER_EMPTY, .fault = BUFFER_EMPTY, .lines = BUFFER_EMPTY};
    result = print_all(&printing, source, err);
    buffer_done(&printing.text);
    buffer_done(&printing.fault);
    buffer_done(&printing.lines);
    return result;
}
