/* A streaming reader of CSV (RFC 4180, and what real files make of it): bytes are fed, records are pulled. Pure.
 * Not here: files, character sets, and what the columns mean. */
#ifndef ETL_CSV_H
#define ETL_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"

#define CSV_RECORD_BYTES_MAX ((size_t) 1 << 20) /* of a record as it stands in the file */
#define CSV_FIELDS_MAX       1024
#define CSV_RAW_BYTES_MAX    4096 /* of a record's own text that are kept for showing it */

/* What a pull gives. */
enum csv_status {
    CSV_RECORD,       /* a record */
    CSV_MORE,         /* the bytes are used up: feed more, or tell the end */
    CSV_END,          /* the end was told, and everything was given out */
    CSV_UNTERMINATED, /* the end was told within a quoted field; csv_quote_line() tells where it opened */
    CSV_NO_MEMORY
};

/* Why a record has no usable fields. The records behind it are not affected. */
enum csv_fault {
    CSV_FAULT_NONE,
    CSV_FAULT_TOO_LONG,
    CSV_FAULT_TOO_MANY_FIELDS,
    CSV_FAULT_QUOTE_MISPLACED, /* text stands between a closing quote and the next delimiter */
    CSV_FAULT_COUNT
};

struct csv_field {
    const char *text; /* unquoted, not NUL-terminated */
    size_t length;
};

/* One record. Everything is the reader's, and valid until the next pull. */
struct csv_record {
    uint64_t line; /* the physical line on which it starts, from 1; CRLF, LF and CR each end one, inside quotes too */
    uint64_t last_line; /* on which it ends */
    enum csv_fault fault;
    const struct csv_field *fields;
    size_t field_count;
    const char *raw; /* as it stands in the file, at most CSV_RAW_BYTES_MAX bytes of it */
    size_t raw_length;
};

/* The reader's state between two bytes. */
enum csv_state {
    CSV_STATE_RECORD_START,
    CSV_STATE_FIELD_START,
    CSV_STATE_PLAIN, /* within a field that does not start with a quote: quotes stand for themselves */
    CSV_STATE_QUOTED,
    CSV_STATE_QUOTE, /* behind a quote within a quoted field: its end, or the first of a doubled one */
    CSV_STATE_COUNT
};

/* Memory: at most about two CSV_RECORD_BYTES_MAX, whatever is fed. Make one with csv_init(), release it with
 * csv_done(). */
struct csv {
    char delimiter;
    bool blank_records; /* a blank line is a record of one empty field; the caller may set it between two pulls */
    bool plain[256];    /* the bytes that mean nothing but themselves in a field that is not quoted */
    enum csv_state state;
    const char *input; /* borrowed from the caller */
    size_t input_length;
    size_t at;
    bool ended;
    bool after_cr; /* the next byte, if LF, belongs to the line end already seen */
    uint64_t line; /* on which the next byte stands; the caller may set it before the first pull */
    uint64_t last_line;
    uint64_t record_line;
    uint64_t quote_line;
    size_t record_bytes;
    struct buffer text; /* the fields' bytes, one behind the other */
    struct buffer raw;
    enum csv_fault fault;
    size_t *ends; /* where each field ends in `text` */
    size_t field_count;
    struct csv_field *fields;
};

/* Returns 0, or -1 when memory is short (then csv_done() is still allowed). */
int csv_init(struct csv *csv, char delimiter);
void csv_done(struct csv *csv);

/* Gives bytes to read. They must outlive the pulls until CSV_MORE; whatever was fed before must be used up. */
void csv_feed(struct csv *csv, const char *data, size_t length);

/* Tells that no more bytes will come. */
void csv_end(struct csv *csv);

/* Pulls the next record. Blank lines are no records, unless blank_records is set; a line of white space is one.
 *
 * A field is quoted when a quote is its very first byte; elsewhere, behind a blank too, a quote stands for itself
 * (RFC 4180, section 2: blanks are part of a field). Text behind a closing quote makes the record a faulty one, and the
 * next record begins behind its line. */
enum csv_status csv_next(struct csv *csv, struct csv_record *record);

/* Behind CSV_UNTERMINATED: the line on which the quote opened that never closed, and that of its record's start. */
uint64_t csv_quote_line(const struct csv *csv);
uint64_t csv_record_line(const struct csv *csv);

#endif
