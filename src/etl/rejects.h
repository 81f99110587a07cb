/* Telling people about refused records: the first ones in the log, all of a run as CSV.
 * Not here: keeping them in PostgreSQL, which is part of each batch (statements.h). */
#ifndef ETL_REJECTS_H
#define ETL_REJECTS_H

#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/db.h"
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

/* How many there are, for the limit and the log. Zeroed at first. */
struct rejects_tally {
    uint64_t count;  /* of the runs at hand, with what earlier attempts at them had refused */
    uint64_t noted;  /* seen by this process */
    uint64_t logged; /* of those */
};

/* Counts one, and logs it unless enough were. */
void rejects_note(struct rejects_tally *tally, const struct reject *reject);

/* Logs how many were not shown; `where` tells where all of them are. */
void rejects_log_rest(const struct rejects_tally *tally, const char *where);

/* Writes all rejects of a run as CSV with a header, in the order of the file. -ERR_DATABASE, or -ERR_ETL when it cannot
 * be written. */
int rejects_write(struct db *db, int64_t run, int fd, struct err *err);

/* The same into `<directory>/<run>.csv`, whole or not at all. Whatever goes wrong with it is a warning. */
void rejects_write_file(struct db *db, int64_t run, const char *directory);

#endif
