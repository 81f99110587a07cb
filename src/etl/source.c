/* Opening, finding the delimiter and the columns, reading on in chunks, hashing what goes by.
 * Not here: the CSV state machine (csv.c). */
#include "etl/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/file.h"

struct source {
    char *path;
    int fd;
    char *chunk;
    size_t chunk_length;
    uint64_t bytes_read;
    uint64_t bytes_total;
    uint64_t records;
    struct sha256 *sha256;
    struct csv csv;
    struct row_layout layout;
    const char *delimiter_name;
};

static const struct {
    char character;
    const char *name;
} delimiters[] = {{',', "comma"}, {';', "semicolon"}, {'\t', "tab"}, {'|', "vertical bar"}};

void source_close(struct source *source)
{
    if (source == NULL) {
        return;
    }
    csv_done(&source->csv);
    sha256_free(source->sha256);
    file_close(&source->fd);
    free(source->chunk);
    free(source->path);
    free(source);
}

void source_auto_close(struct source **source)
{
    source_close(*source);
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

static int complain_header(const struct source *source, const struct csv_record *header,
                           const struct row_layout *layout, struct err *err)
{
    BUFFER_AUTO missing = BUFFER_EMPTY;
    BUFFER_AUTO found = BUFFER_EMPTY;
    for (size_t column = 0; column < ROW_COLUMNS_REQUIRED; column++) {
        if (layout->index[column] < 0) {
            buffer_append_format(&missing, "%s%s", missing.length == 0 ? "" : " and no column ",
                                 row_column_names[column]);
        }
    }
    append_names(&found, header);
    (void) err_set(err, ERR_ETL,
                   "%s has no column %s; found: %s; expected: nom_commune, code_postal, and if present "
                   "code_departement, latitude, longitude, coordonnees_gps",
                   source->path, buffer_text(&missing), buffer_text(&found));
    err_hint(err, "the first line has to name the columns, separated by comma, semicolon, tab or vertical bar");
    return -(int) ERR_ETL;
}

/* Where the text starts behind a byte order mark. UTF-16 has one as well, or NULs in its first characters. */
static int skip_mark(const struct source *source, size_t *start, struct err *err)
{
    const char *chunk = source->chunk;
    size_t length = source->chunk_length;
    bool marked = length >= 2 && (memcmp(chunk, "\xFF\xFE", 2) == 0 || memcmp(chunk, "\xFE\xFF", 2) == 0);
    if (marked ||
        (length >= 4 && (chunk[0] == '\0') != (chunk[1] == '\0') && (chunk[2] == '\0') != (chunk[3] == '\0'))) {
        (void) err_set(err, ERR_ETL, "%s is UTF-16", source->path);
        err_hint(err, "save it as UTF-8, for instance: iconv -f UTF-16 -t UTF-8");
        return -(int) ERR_ETL;
    }
    *start = length >= 3 && memcmp(chunk, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    return 0;
}

static int complain_quote(const struct source *source, struct err *err)
{
    (void) err_set(err, ERR_ETL, "%s:%llu: the quote that opens here is never closed", source->path,
                   (unsigned long long) csv_quote_line(&source->csv));
    err_hint(err, "close it; a quote that belongs to a quoted text is written twice");
    return -(int) ERR_ETL;
}

/* Starts the reader of one delimiter on the first chunk and reads the header with it. */
static int try_delimiter(struct source *source, struct csv_record *header, size_t start, size_t delimiter,
                         struct err *err)
{
    csv_done(&source->csv);
    if (csv_init(&source->csv, delimiters[delimiter].character) < 0) {
        return err_set(err, ERR_INTERNAL, "no memory to read %s", source->path);
    }
    source->delimiter_name = delimiters[delimiter].name;
    csv_feed(&source->csv, source->chunk + start, source->chunk_length - start);
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

/* The delimiter is the one that makes the most known columns appear; of equals the first. */
static int read_header(struct source *source, struct err *err)
{
    size_t start;
    struct csv_record header;
    const char *repeated;
    int result = skip_mark(source, &start, err);
    if (result < 0) {
        return result;
    }
    size_t best = 0;
    int best_found = 0;
    for (size_t i = 0; i < sizeof(delimiters) / sizeof(delimiters[0]); i++) {
        /* A failure counts as nothing found: it is told below, if no other delimiter does better. */
        bool read = try_delimiter(source, &header, start, i, NULL) == 0;
        int found = read ? row_layout_find(&source->layout, &header, &repeated) : 0;
        if (found > best_found) {
            best = i;
            best_found = found;
        }
    }
    result = try_delimiter(source, &header, start, best, err);
    if (result < 0) {
        return result;
    }
    (void) row_layout_find(&source->layout, &header, &repeated);
    if (!row_layout_complete(&source->layout)) {
        return complain_header(source, &header, &source->layout, err);
    }
    if (repeated != NULL) {
        (void) err_set(err, ERR_ETL, "%s has the column %s twice", source->path, repeated);
        err_hint(err, "take one of the two out of the file, or give it another name");
        return -(int) ERR_ETL;
    }
    return 0;
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

static int start(struct source *source, const char *path, struct err *err)
{
    source->path = strdup(path);
    source->chunk = malloc(SOURCE_CHUNK_BYTES);
    source->sha256 = sha256_new();
    if (source->path == NULL || source->chunk == NULL || source->sha256 == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory to read %s", path);
    }
    int result = open_file(source, err);
    result = result < 0 ? result : read_chunk(source, err);
    return result < 0 ? result : read_header(source, err);
}

int source_open(struct source **out, const char *path, struct err *err)
{
    struct source *source = calloc(1, sizeof(*source));
    if (source == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory to read %s", path);
    }
    source->fd = -1;
    int result = start(source, path, err);
    if (result < 0) {
        source_close(source);
        return result;
    }
    *out = source;
    return 0;
}

int source_next(struct source *source, struct csv_record *record, struct err *err)
{
    for (;;) {
        switch (csv_next(&source->csv, record)) {
        case CSV_RECORD:
            source->records += 1;
            return 1;
        case CSV_END:
            return 0;
        case CSV_UNTERMINATED:
            return complain_quote(source, err);
        case CSV_NO_MEMORY:
            return err_set(err, ERR_INTERNAL, "no memory to read %s", source->path);
        case CSV_MORE:
            break;
        }
        int result = read_chunk(source, err);
        if (result < 0) {
            return result;
        }
        if (source->chunk_length == 0) {
            csv_end(&source->csv);
        } else {
            csv_feed(&source->csv, source->chunk, source->chunk_length);
        }
    }
}

const struct row_layout *source_layout(const struct source *source)
{
    return &source->layout;
}

const char *source_delimiter_name(const struct source *source)
{
    return source->delimiter_name;
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

int source_sha256(struct source *source, char text[static SHA256_TEXT_SIZE], struct err *err)
{
    return sha256_text(source->sha256, text) ? 0 : err_set(err, ERR_INTERNAL, "cannot hash %s", source->path);
}
