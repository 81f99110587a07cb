/* Comparing the migrations on disk with those that were applied: what is to be done, or why nothing may be. Pure.
 * Not here: reading either side (files.c, history.c). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/internal.h"

static int refuse_newer(const struct migrate_files *files, const struct migrate_row *row, struct err *err)
{
    (void) err_set(err, ERR_MIGRATION,
                   "the database is newer than the migrations: %s was applied to it by version %s, "
                   "the last file is %s",
                   row->name, row->binary_version, files->count == 0 ? "none" : files->items[files->count - 1].name);
    err_hint(err, "start the version that has this migration, or a later one");
    return -(int) ERR_MIGRATION;
}

static int refuse_missing(const struct migrate_row *row, struct err *err)
{
    (void) err_set(err, ERR_MIGRATION, "%s was applied to the database, but the file is missing", row->name);
    err_hint(err, "put the file back; applied migrations belong to the database");
    return -(int) ERR_MIGRATION;
}

static int refuse_edited(const struct migrate_file *file, const struct migrate_row *row, struct err *err)
{
    (void) err_set(err, ERR_MIGRATION, "%s was edited after it was applied: its sha256 was %s, now it is %s",
                   file->name, row->sha256, file->sha256);
    err_hint(err, "restore the file as it was, and make the change in a new migration");
    return -(int) ERR_MIGRATION;
}

static int refuse_late(const struct migrate_file *file, const struct migrate_row *last, struct err *err)
{
    (void) err_set(err, ERR_MIGRATION, "%s is new, but stands before %s, which is already applied", file->name,
                   last->name);
    err_hint(err, "give it a number above %" PRId64, last->version);
    return -(int) ERR_MIGRATION;
}

/* Walks both sides in numeric order. */
static int compare(struct migrate_plan *plan, const struct migrate_files *files, const struct migrate_history *history,
                   struct err *err)
{
    size_t row_index = 0;
    for (size_t i = 0; i < files->count; i++) {
        const struct migrate_file *file = &files->items[i];
        const struct migrate_row *row = row_index < history->count ? &history->rows[row_index] : NULL;
        if (row == NULL) {
            plan->items[plan->count++] = file;
            continue;
        }
        if (row->version < file->version) {
            return refuse_missing(row, err);
        }
        if (row->version > file->version) {
            return refuse_late(file, &history->rows[history->count - 1], err);
        }
        /* Another name for the same number and content is a mere renaming. */
        if (strcmp(row->sha256, file->sha256) != 0) {
            return refuse_edited(file, row, err);
        }
        row_index += 1;
    }
    return 0;
}

int migrate_plan_make(struct migrate_plan *out, const struct migrate_files *files,
                      const struct migrate_history *history, struct err *err)
{
    /* First, because an older program on a newer database is the likeliest, and its files may have changed too. */
    int64_t last = files->count == 0 ? -1 : files->items[files->count - 1].version;
    if (history->count > 0 && history->rows[history->count - 1].version > last) {
        return refuse_newer(files, &history->rows[history->count - 1], err);
    }
    struct migrate_plan plan = {.items = calloc(files->count + 1, sizeof(void *)), .count = 0};
    if (plan.items == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the plan of the migrations");
    }
    int failure = compare(&plan, files, history, err);
    if (failure != 0) {
        migrate_plan_done(&plan);
        return failure;
    }
    *out = plan;
    return 0;
}

void migrate_plan_done(struct migrate_plan *plan)
{
    free(plan->items);
    *plan = (struct migrate_plan){.items = NULL, .count = 0};
}
