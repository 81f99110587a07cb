/* What `migrate status`, `plan` and `validate` print. Pure.
 * Not here: errors (report.h). */
#ifndef MIGRATE_PRINT_H
#define MIGRATE_PRINT_H

#include "digitalism/base/buffer.h"
#include "migrate/plan.h"

/* A line for each migration: version, state, when and how long, name; then a line that sums them up. */
void migrate_print_status(struct buffer *out, const struct migrate_comparison *comparison);

/* The same as one line of JSON: {"pending":N,"migrations":[…]}. */
void migrate_print_json(struct buffer *out, const struct migrate_comparison *comparison);

/* The SQL of the files in a plan, each behind a comment that names it. */
void migrate_print_plan(struct buffer *out, const struct migrate_plan *plan);

/* How many of them are pending, changed or late. */
size_t migrate_count_pending(const struct migrate_comparison *comparison);

#endif
