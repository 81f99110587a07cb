/* Files against history: the state of each migration, and what is to be done, or why nothing may be. Pure.
 * Not here: reading either side (files.h, history.h). */
#ifndef MIGRATE_PLAN_H
#define MIGRATE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "digitalism/base/error.h"
#include "migrate/files.h"
#include "migrate/history.h"

enum migrate_state {
    MIGRATE_STATE_APPLIED,
    MIGRATE_STATE_BASELINE, /* the database had it when it was taken over */
    MIGRATE_STATE_PENDING,
    MIGRATE_STATE_BEGUN,   /* pending, and some of its statements are done */
    MIGRATE_STATE_CHANGED, /* a repeatable one, to be applied again */
    MIGRATE_STATE_LATE,    /* new, but stands before one that is applied */
    MIGRATE_STATE_EDITED,  /* since it was applied */
    MIGRATE_STATE_MISSING, /* applied, but the file is gone */
    MIGRATE_STATE_NEWER,   /* applied by a program that had more files than there are here */
    MIGRATE_STATE_COUNT
};
extern const char *const migrate_state_names[MIGRATE_STATE_COUNT]; /* "applied" */

/* One migration; of file and row one may be NULL, as the state says. Both are borrowed. */
struct migrate_entry {
    enum migrate_state state;
    const struct migrate_file *file;
    const struct migrate_row *row;
};

struct migrate_comparison {
    struct migrate_entry *entries; /* in the order of the versions, repeatable ones last */
    size_t count;
};
int migrate_compare(struct migrate_comparison *out, const struct migrate_files *files,
                    const struct migrate_history *history, struct err *err);
/* Marks those that are pending and whose name is a line of `names`. */
void migrate_comparison_mark_begun(struct migrate_comparison *comparison, const char *names);
void migrate_comparison_done(struct migrate_comparison *comparison);
#define MIGRATE_COMPARISON_AUTO __attribute__((cleanup(migrate_comparison_done))) struct migrate_comparison

const char *migrate_entry_name(const struct migrate_entry *entry);
const struct migrate_version *migrate_entry_version(const struct migrate_entry *entry);
bool migrate_entry_pending(const struct migrate_entry *entry); /* pending, begun, changed or late */

struct migrate_rules {
    bool out_of_order;                /* what is late is applied */
    bool allow_newer;                 /* a database that is newer than the files is left as it is */
    const struct migrate_version *to; /* apply up to this one, undo down to it; NULL: all of them */
};

/* What is to be done, in order; the entries are the comparison's. */
struct migrate_plan {
    const struct migrate_entry **items;
    size_t count;
};
void migrate_plan_done(struct migrate_plan *plan);
#define MIGRATE_PLAN_AUTO __attribute__((cleanup(migrate_plan_done))) struct migrate_plan

/* What is to be applied. -ERR_MIGRATION, naming the first, where an applied file was edited or is missing, a new one
 * stands before an applied one, the database is newer than the files, or `to` is no version. */
int migrate_plan_up(struct migrate_plan *out, const struct migrate_comparison *comparison,
                    const struct migrate_rules *rules, struct err *err);

/* The last `steps` that were applied, or with `rules->to` all behind that version, newest first. -ERR_MIGRATION where
 * one of them was not applied by us, has changed, or has nothing that undoes it; or `to` is no version but 0. */
int migrate_plan_down(struct migrate_plan *out, const struct migrate_comparison *comparison, size_t steps,
                      const struct migrate_rules *rules, struct err *err);

#endif
