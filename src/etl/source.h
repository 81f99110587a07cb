/* One CSV file being read: its delimiter and columns found, its records one by one, its hash at the end.
 * Not here: what a record means (row.h), which records count (etl.c). */
#ifndef ETL_SOURCE_H
#define ETL_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/base/sha256.h"
#include "etl/csv.h"
#include "etl/row.h"

#define SOURCE_CHUNK_BYTES ((size_t) 64 * 1024) /* of one read; the header has to fit into the first */

struct source;

/* Opens a file and reads its header. -ERR_ETL with the path and what is wrong: cannot be read, empty, UTF-16, a column
 * is missing (those found and those expected are named) or stands twice. */
int source_open(struct source **out, const char *path, struct err *err);
void source_close(struct source *source); /* NULL is allowed */
void source_auto_close(struct source **source);
#define SOURCE_AUTO __attribute__((cleanup(source_auto_close))) struct source *

/* Reads the next record, valid until the next call. 1: a record; 0: the end; negative: -ERR_ETL for a quote that never
 * closes or a read that fails. */
int source_next(struct source *source, struct csv_record *record, struct err *err);

const struct row_layout *source_layout(const struct source *source);
const char *source_delimiter_name(const struct source *source); /* "comma" */
uint64_t source_records(const struct source *source);           /* read so far, the header not counted */
uint64_t source_bytes_read(const struct source *source);
uint64_t source_bytes_total(const struct source *source); /* as the file's size was when it was opened */

/* The hash of all bytes, once the end was reached. */
int source_sha256(struct source *source, char text[static SHA256_TEXT_SIZE], struct err *err);

#endif
