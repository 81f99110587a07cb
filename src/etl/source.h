/* One CSV file being read: its delimiter and columns found, its records one by one, its hash at the end.
 * Not here: what a record means (row.h), which records count (etl.c). */
#ifndef ETL_SOURCE_H
#define ETL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/base/sha256.h"
#include "digitalism/etl.h"
#include "etl/csv.h"
#include "etl/row.h"

#define SOURCE_CHUNK_BYTES ((size_t) 64 * 1024) /* of one read; the header has to fit into the first */

struct source;

/* Opens a file and reads its header. -ERR_ETL with the path and what is wrong: cannot be read, empty, UTF-16 or UTF-32,
 * a column is missing (those found and those expected are named) or stands twice. -ERR_CONFIG for the format's columns.
 */
int source_open(struct source **out, const char *path, const struct etl_format *format, struct err *err);

/* Opens any CSV file: its header is the first record that source_next() gives, where it gives one at all. Where no
 * known column tells the delimiter, it is the one that gives the first record the most fields. */
int source_open_any(struct source **out, const char *path, const struct etl_format *format, struct err *err);
void source_close(struct source *source); /* NULL is allowed */
void source_auto_close(struct source **source);
#define SOURCE_AUTO __attribute__((cleanup(source_auto_close))) struct source *

/* Reads the next record, valid until the next call. 1: a record; 0: the end; negative: -ERR_ETL for a quote that never
 * closes or a read that fails. */
int source_next(struct source *source, struct csv_record *record, struct err *err);

const struct row_layout *source_layout(const struct source *source);
enum etl_encoding source_encoding(const struct source *source); /* as it was found, which may not be as it was told */
const char *source_delimiter_name(const struct source *source); /* "comma" */
uint64_t source_records(const struct source *source);           /* read so far, the header not counted */
uint64_t source_bytes_read(const struct source *source);
uint64_t source_bytes_total(const struct source *source); /* as the file's size was when it was opened */

/* Whether a quote never closed, which was the end of source_next(): the line of its record, and its own. */
bool source_unterminated(const struct source *source, uint64_t *record_line, uint64_t *quote_line);

/* The hash of all bytes, once the end was reached. */
int source_sha256(struct source *source, char text[static SHA256_TEXT_SIZE], struct err *err);

#endif
