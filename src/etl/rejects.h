/* Telling people about refused records: the first ones in the log, all of them in a CSV file if that is wanted.
 * Not here: keeping them in PostgreSQL (loader.h). */
#ifndef ETL_REJECTS_H
#define ETL_REJECTS_H

#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "etl/csv.h"
#include "etl/row.h"

#define REJECTS_LOGGED_MAX 20 /* lines in the log, for all files of a run together */

/* One refused record. */
struct reject {
    const char *file;
    uint64_t line;
    uint64_t record; /* its number in the file, from 1 */
    const struct row_reject *why;
    struct csv_field raw; /* as it stands in the file */
};

/* Appends text that PostgreSQL takes: what is not UTF-8, and NUL, becomes U+FFFD. */
void reject_append_text(struct buffer *out, const char *text, size_t length);

/* Logs one, unless enough were; counts it. */
void rejects_log(uint64_t *count, const struct reject *reject);

/* Logs how many were not shown. */
void rejects_log_rest(uint64_t count);

/* The file `<directory>/<run>.csv`. Whatever goes wrong with it is a warning, and the load goes on without it. */
struct rejects_file {
    int fd; /* -1: none */
    char *path;
    int64_t run;
    struct buffer pending; /* written when its batch is committed */
};
void rejects_file_open(struct rejects_file *file, const char *directory, int64_t run); /* NULL directory: none */
void rejects_file_append(struct rejects_file *file, const struct reject *reject);
void rejects_file_flush(struct rejects_file *file);
void rejects_file_close(struct rejects_file *file);

#endif
