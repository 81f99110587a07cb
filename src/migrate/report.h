/* A failed statement as an error that shows where it is. Pure.
 * Not here: running it (run.c). */
#ifndef MIGRATE_REPORT_H
#define MIGRATE_REPORT_H

#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "migrate/files.h"
#include "migrate/script.h"

/* Turns the error of a statement into one of several lines: file:line:column and what PostgreSQL says, the line of the
 * source with a caret below, DETAIL and CONTEXT. Keeps the SQLSTATE and whether it is transient; returns
 * -ERR_MIGRATION. An error inside a DO block is shown at its line in the block. */
int migrate_report(struct err *err, const struct migrate_source *source, const struct migrate_statement *statement,
                   const struct db_diagnosis *diagnosis);

#endif
