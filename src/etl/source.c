/* Opening, finding the delimiter and the columns, reading on in chunks, hashing and converting what goes by.
 * Not here: the CSV state machine (csv.c), the character sets (encoding.c). */
#include "etl/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/file.h"
#include "etl/columns.h"
#include "etl/delimiter.h"
#include "etl/encoding.h"
#include "etl/record.h"

struct source {
    char *path;
    int fd;
    char *chunk; /* the bytes of one read */
    size_t chunk_length;
    char *converted;  /* room for the chunk in UTF-8, where the file is in something else; else NULL */
    const char *text; /* the chunk in UTF-8 */
    size_t text_length;
    size_t start; /* in the first chunk's text: behind its mark and what Excel tells itself there */
    uint64_t start_line;
    uint64_t bytes_read;
    uint64_t bytes_total;
    uint64_t records;
    struct sha256 *sha256;
    enum etl_encoding encoding;
    struct columns columns;
    struct csv csv;
    struct row_layout layout;
    size_t delimiter; /* DELIMITER_COUNT: not told by the file itself */
    bool any_header;
    bool unterminated;
};

void source_close(struct source *source)
{
    if (source == NULL) {
        return;
    }
    csv_done(&source->csv);
    columns_done(&source->columns);
    sha256_free(source->sha256);
    file_close(&source->fd);
    free(source->converted);
    free(source->chunk);
    free(source->path);
    free(source);
}

void source_auto_close(struct source **source)
{
    source_close(*source);
}

/* Makes UTF-8 of the chunk. */
static int convert(struct source *source, struct err *err)
{
    if (source->encoding == ETL_ENCODING_UTF8) {
        source->text = source->chunk;
        source->text_length = source->chunk_length;
        return 0;
    }
    if (source->converted == NULL) {
        source->converted = malloc(SOURCE_CHUNK_BYTES * ENCODING_GROWTH_MAX);
    }
    if (source->converted == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory to read %s", source->path);
    }
    source->text = source->converted;
    source->text_length = encoding_from_cp1252(source->converted, source->chunk, source->chunk_length);
    return 0;
}

/* Fills the chunk as far as the file goes. */
static int read_chunk(struct source *source, struct err *err)
{
    source->chunk_length = 0;
    while (source->chunk_length < SOURCE_CHUNK_BYTES) {
        ssize_t got = read(source->fd, source->chunk + source->chunk_length, SOURCE_CHUNK_BYTES - source->chunk_length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, ERR_ETL, errno, "cannot read %s", source->path);
        }
        if (got == 0) {
            break;
        }
        source->chunk_length += (size_t) got;
    }
    source->bytes_read += source->chunk_length;
    sha256_add(source->sha256, source->chunk, source->chunk_length);
    return 0;
}

/* Appends the header's names for a message, as far as is useful: what stands behind them must not be cut off. */
static void append_names(struct buffer *out, const struct csv_record *header)
{
    enum { NAMES_BYTES_MAX = 300, NAME_BYTES_MAX = 40 };
    for (size_t i = 0; i < header->field_count && out->length < NAMES_BYTES_MAX; i++) {
        const struct csv_field *name = &header->fields[i];
        bool whole = name->length <= NAME_BYTES_MAX;
        buffer_append_text(out, i == 0 ? "" : ", ");
        buffer_append_json_string(out, name->text, whole ? name->length : utf8_cut(name->text, NAME_BYTES_MAX));
        buffer_append_text(out, whole ? "" : "...");
    }
}

/* The names of the columns that are required, or of those that are not. */
static void append_expected(struct buffer *out, const struct columns *columns, bool required)
{
    const char *comma = "";
    for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
        if (columns_require(columns, (enum row_column) column) == required) {
            buffer_append_format(out, "%s%s", comma, buffer_text(&columns->names[column].text));
            comma = ", ";
        }
    }
}

static bool is_text(const struct csv_record *record)
{
    bool result = true;
    for (size_t i = 0; i < record->field_count; i++) {
        result = result && utf8_is_text(record->fields[i].text, record->fields[i].length);
    }
    return result;
}

static int complain_header(const struct source *source, const struct csv_record *header, struct err *err)
{
    BUFFER_AUTO missing = BUFFER_EMPTY;
    BUFFER_AUTO found = BUFFER_EMPTY;
    BUFFER_AUTO required = BUFFER_EMPTY;
    BUFFER_AUTO optional = BUFFER_EMPTY;
    for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
        if (source->layout.index[column] < 0 && columns_require(&source->columns, (enum row_column) column)) {
            buffer_append_format(&missing, "%s%s", missing.length == 0 ? "" : " and no column ",
                                 buffer_text(&source->columns.names[column].text));
        }
    }
    append_names(&found, header);
    append_expected(&required, &source->columns, true);
    append_expected(&optional, &source->columns, false);
    (void) err_set(err, ERR_ETL, "%s has no column %s; found: %s; expected: %s%s%s", source->path,
                   buffer_text(&missing), buffer_text(&found), buffer_text(&required),
                   optional.length == 0 ? "" : ", and if present ", buffer_text(&optional));
    if (source->encoding == ETL_ENCODING_UTF8 && !is_text(header)) {
        err_hint(err, "the header is not UTF-8: ETL_ENCODING=cp1252 reads files that are in Windows-1252");
    } else {
        err_hint(err, "the first line has to name the columns, separated by comma, semicolon, tab or vertical bar; "
                      "ETL_COLUMNS tells how a file calls them");
    }
    return -(int) ERR_ETL;
}

/* Finds out where the text starts in the first chunk, and in what it is written. */
static int examine_start(struct source *source, enum etl_encoding encoding, struct err *err)
{
    enum encoding_mark mark = encoding_mark(source->chunk, source->chunk_length);
    if (mark == ENCODING_MARK_UTF16 || mark == ENCODING_MARK_UTF32) {
        const char *name = mark == ENCODING_MARK_UTF16 ? "UTF-16" : "UTF-32";
        (void) err_set(err, ERR_ETL, "%s is %s", source->path, name);
        err_hint(err, "save it as UTF-8, for instance: iconv -f %s -t UTF-8", name);
        return -(int) ERR_ETL;
    }
    /* Nobody starts a file in Windows-1252 with what the mark would be there. */
    source->encoding = mark == ENCODING_MARK_UTF8 ? ETL_ENCODING_UTF8 : encoding;
    source->start = mark == ENCODING_MARK_UTF8 ? ENCODING_MARK_UTF8_BYTES : 0;
    int result = convert(source, err);
    if (result == 0) {
        source->delimiter = DELIMITER_COUNT;
        size_t length =
            delimiter_line(source->text + source->start, source->text_length - source->start, &source->delimiter);
        source->start += length;
        source->start_line = length > 0 ? 2 : 1;
    }
    return result;
}

static int complain_quote(const struct source *source, struct err *err)
{
    (void) err_set(err, ERR_ETL, "%s:%" PRIu64 ": the quote that opens here is never closed", source->path,
                   csv_quote_line(&source->csv));
    err_hint(err, "close it; a quote that belongs to a quoted text is written twice");
    return -(int) ERR_ETL;
}

/* Starts the reader of one delimiter on the first chunk. */
static int start_reader(struct source *source, size_t delimiter, struct err *err)
{
    csv_done(&source->csv);
    if (csv_init(&source->csv, delimiters[delimiter].character) < 0) {
        return err_set(err, ERR_INTERNAL, "no memory to read %s", source->path);
    }
    source->csv.line = source->start_line;
    source->delimiter = delimiter;
    csv_feed(&source->csv, source->text + source->start, source->text_length - source->start);
    return 0;
}

/* Starts the reader of one delimiter and reads the header with it. */
static int try_delimiter(struct source *source, struct csv_record *header, size_t delimiter, struct err *err)
{
    int result = start_reader(source, delimiter, err);
    if (result < 0) {
        return result;
    }
    enum csv_status status = csv_next(&source->csv, header);
    if (status == CSV_MORE && source->chunk_length < SOURCE_CHUNK_BYTES) {
        csv_end(&source->csv);
        status = csv_next(&source->csv, header);
    }
    switch (status) {
    case CSV_RECORD:
        return 0;
    case CSV_MORE:
        (void) err_set(err, ERR_ETL, "%s has a first line of more than %zu bytes", source->path, SOURCE_CHUNK_BYTES);
        err_hint(err, "is it a CSV file? The first line has to name the columns");
        return -(int) ERR_ETL;
    case CSV_UNTERMINATED:
        return complain_quote(source, err);
    case CSV_END:
        (void) err_set(err, ERR_ETL, "%s is empty", source->path);
        err_hint(err, "the first line has to name the columns");
        return -(int) ERR_ETL;
    default:
        return err_set(err, ERR_INTERNAL, "no memory to read %s", source->path);
    }
}

/* The delimiter that the file tells itself; else the one that makes the most known columns appear, of equals the first;
 * else the one that the first record looks like. */
static size_t find_delimiter(struct source *source)
{
    struct csv_record header;
    const char *repeated;
    size_t best = source->delimiter;
    int best_found = 0;
    if (best < DELIMITER_COUNT) {
        return best;
    }
    for (size_t i = 0; i < DELIMITER_COUNT; i++) {
        /* A failure counts as nothing found: it is told later, if no other delimiter does better. */
        bool read = try_delimiter(source, &header, i, NULL) == 0;
        int found = read ? row_layout_find(&source->layout, &header, &source->columns, &repeated) : 0;
        if (found > best_found) {
            best = i;
            best_found = found;
        }
    }
    return best_found > 0 ? best : delimiter_guess(source->text + source->start, source->text_length - source->start);
}

static int read_header(struct source *source, struct err *err)
{
    struct csv_record header;
    struct record_fault fault;
    const char *repeated;
    BUFFER_AUTO lines = BUFFER_EMPTY;
    int result = try_delimiter(source, &header, find_delimiter(source), err);
    if (result < 0) {
        return result;
    }
    if (header.fault != CSV_FAULT_NONE && !record_check(&fault, &header, SIZE_MAX, source->encoding, &lines)) {
        (void) err_set(err, ERR_ETL, "%s:%" PRIu64 ": the header cannot be read: %s", source->path, header.line,
                       fault.reason);
        err_hint(err, "the first line has to name the columns");
        return -(int) ERR_ETL;
    }
    (void) row_layout_find(&source->layout, &header, &source->columns, &repeated);
    source->layout.encoding = source->encoding;
    if (!row_layout_complete(&source->layout, &source->columns)) {
        return complain_header(source, &header, err);
    }
    if (repeated != NULL) {
        (void) err_set(err, ERR_ETL, "%s has the column %s twice", source->path, repeated);
        err_hint(err, "take one of the two out of the file, or give it another name");
        return -(int) ERR_ETL;
    }
    return 0;
}

/* In a file of one column a blank line is a record; in one of line ends alone that column has an empty name. */
static bool only_line_ends(const struct source *source)
{
    size_t at = source->start;
    while (at < source->text_length && (source->text[at] == '\n' || source->text[at] == '\r')) {
        at += 1;
    }
    return at == source->text_length && source->chunk_length < SOURCE_CHUNK_BYTES;
}

static int start_any(struct source *source, struct err *err)
{
    int result = start_reader(source, find_delimiter(source), err);
    source->csv.blank_records = only_line_ends(source);
    return result;
}

static int open_file(struct source *source, struct err *err)
{
    source->fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    if (source->fd < 0 || fstat(source->fd, &status) < 0) {
        return err_set_errno(err, ERR_ETL, errno, "cannot read %s", source->path);
    }
    if (!S_ISREG(status.st_mode)) {
        return err_set(err, ERR_ETL, "%s is not a file", source->path);
    }
    (void) posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    source->bytes_total = (uint64_t) status.st_size;
    return 0;
}

static int start(struct source *source, const char *path, const struct etl_format *format, struct err *err)
{
    source->path = strdup(path);
    source->chunk = malloc(SOURCE_CHUNK_BYTES);
    source->sha256 = sha256_new();
    if (source->path == NULL || source->chunk == NULL || source->sha256 == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory to read %s", path);
    }
    int result = columns_parse(&source->columns, format->columns, err);
    result = result < 0 ? result : open_file(source, err);
    result = result < 0 ? result : read_chunk(source, err);
    result = result < 0 ? result : examine_start(source, format->encoding, err);
    if (result < 0) {
        return result;
    }
    return source->any_header ? start_any(source, err) : read_header(source, err);
}

static int open_source(struct source **out, const char *path, const struct etl_format *format, bool any_header,
                       struct err *err)
{
    struct source *source = calloc(1, sizeof(*source));
    if (source == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory to read %s", path);
    }
    source->fd = -1;
    source->any_header = any_header;
    int result = start(source, path, format, err);
    if (result < 0) {
        source_close(source);
        return result;
    }
    *out = source;
    return 0;
}

int source_open(struct source **out, const char *path, const struct etl_format *format, struct err *err)
{
    return open_source(out, path, format, false, err);
}

int source_open_any(struct source **out, const char *path, const struct etl_format *format, struct err *err)
{
    return open_source(out, path, format, true, err);
}

int source_next(struct source *source, struct csv_record *record, struct err *err)
{
    for (;;) {
        switch (csv_next(&source->csv, record)) {
        case CSV_RECORD:
            source->records += 1;
            if (source->any_header && source->records == 1) {
                source->csv.blank_records = record->field_count == 1;
            }
            return 1;
        case CSV_END:
            return 0;
        case CSV_UNTERMINATED:
            source->unterminated = true;
            return complain_quote(source, err);
        case CSV_NO_MEMORY:
            return err_set(err, ERR_INTERNAL, "no memory to read %s", source->path);
        case CSV_MORE:
            break;
        }
        int result = read_chunk(source, err);
        result = result < 0 ? result : convert(source, err);
        if (result < 0) {
            return result;
        }
        if (source->chunk_length == 0) {
            csv_end(&source->csv);
        } else {
            csv_feed(&source->csv, source->text, source->text_length);
        }
    }
}

const struct row_layout *source_layout(const struct source *source)
{
    return &source->layout;
}

enum etl_encoding source_encoding(const struct source *source)
{
    return source->encoding;
}

const char *source_delimiter_name(const struct source *source)
{
    return delimiters[source->delimiter].name;
}

uint64_t source_records(const struct source *source)
{
    return source->records;
}

uint64_t source_bytes_read(const struct source *source)
{
    return source->bytes_read;
}

uint64_t source_bytes_total(const struct source *source)
{
    return source->bytes_total;
}

bool source_unterminated(const struct source *source, uint64_t *record_line, uint64_t *quote_line)
{
    *record_line = csv_record_line(&source->csv);
    *quote_line = csv_quote_line(&source->csv);
    return source->unterminated;
}

int source_sha256(struct source *source, char text[static SHA256_TEXT_SIZE], struct err *err)
{
    return sha256_text(source->sha256, text) ? 0 : err_set(err, ERR_INTERNAL, "cannot hash %s", source->path);
}
