/* Comparing files and history, and planning from it.
 * Not here: doing it (migrate.c). */
#include "migrate/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *const migrate_state_names[MIGRATE_STATE_COUNT] = {
    [MIGRATE_STATE_APPLIED] = "applied", [MIGRATE_STATE_BASELINE] = "baseline", [MIGRATE_STATE_PENDING] = "pending",
    [MIGRATE_STATE_BEGUN] = "begun",     [MIGRATE_STATE_CHANGED] = "changed",   [MIGRATE_STATE_LATE] = "late",
    [MIGRATE_STATE_EDITED] = "edited",   [MIGRATE_STATE_MISSING] = "missing",   [MIGRATE_STATE_NEWER] = "newer",
};

const char *migrate_entry_name(const struct migrate_entry *entry)
{
    return entry->file != NULL ? entry->file->name : entry->row->name;
}

const struct migrate_version *migrate_entry_version(const struct migrate_entry *entry)
{
    return entry->file != NULL ? &entry->file->version : &entry->row->version;
}

bool migrate_entry_pending(const struct migrate_entry *entry)
{
    return entry->state == MIGRATE_STATE_PENDING || entry->state == MIGRATE_STATE_BEGUN ||
           entry->state == MIGRATE_STATE_CHANGED || entry->state == MIGRATE_STATE_LATE;
}

/* The order of both sides: by version, then what has none, by name. */
static int compare(const struct migrate_file *file, const struct migrate_row *row)
{
    bool file_repeatable = migrate_file_repeatable(file);
    bool row_repeatable = row->version.text[0] == '\0';
    if (file_repeatable || row_repeatable) {
        int order = file_repeatable - row_repeatable;
        return order != 0 ? order : strcmp(file->name, row->name);
    }
    return migrate_version_compare(&file->version, &row->version);
}

/* Of a file that has its row. Another name for the same number and content is a mere renaming. */
static enum migrate_state state_of_both(const struct migrate_file *file, const struct migrate_row *row)
{
    if (strcmp(file->sha256, row->sha256) != 0) {
        return migrate_file_repeatable(file) ? MIGRATE_STATE_CHANGED : MIGRATE_STATE_EDITED;
    }
    return row->kind == MIGRATE_ROW_BASELINE ? MIGRATE_STATE_BASELINE : MIGRATE_STATE_APPLIED;
}

/* What tells late from pending, and newer from missing. */
static const struct migrate_version *last_of_files(const struct migrate_files *files)
{
    const struct migrate_version *last = NULL;
    for (size_t i = 0; i < files->count && !migrate_file_repeatable(&files->items[i]); i++) {
        last = &files->items[i].version;
    }
    return last;
}

static const struct migrate_version *last_of_history(const struct migrate_history *history)
{
    const struct migrate_version *last = NULL;
    for (size_t i = 0; i < history->count && history->rows[i].version.text[0] != '\0'; i++) {
        last = &history->rows[i].version;
    }
    return last;
}

int migrate_compare(struct migrate_comparison *out, const struct migrate_files *files,
                    const struct migrate_history *history, struct err *err)
{
    struct migrate_comparison all = {.entries = calloc(files->count + history->count + 1, sizeof(*all.entries))};
    if (all.entries == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the plan of the migrations");
    }
    const struct migrate_version *last_file = last_of_files(files);
    const struct migrate_version *last_row = last_of_history(history);
    size_t i = 0;
    size_t j = 0;
    while (i < files->count || j < history->count) {
        const struct migrate_file *file = i < files->count ? &files->items[i] : NULL;
        const struct migrate_row *row = j < history->count ? &history->rows[j] : NULL;
        assert(file != NULL || row != NULL);
        int order = file == NULL ? 1 : row == NULL ? -1 : compare(file, row);
        struct migrate_entry *entry = &all.entries[all.count];
        entry->file = order <= 0 ? file : NULL;
        entry->row = order >= 0 ? row : NULL;
        i += entry->file != NULL;
        j += entry->row != NULL;
        if (order == 0) {
            entry->state = state_of_both(file, row);
        } else if (order < 0) {
            bool is_late = !migrate_file_repeatable(file) && last_row != NULL &&
                           migrate_version_compare(&file->version, last_row) < 0;
            entry->state = is_late ? MIGRATE_STATE_LATE : MIGRATE_STATE_PENDING;
        } else if (row->kind == MIGRATE_ROW_REPEATABLE) {
            continue; /* a view that is not wanted any more: there is nothing to be done, and nothing wrong */
        } else {
            bool is_newer = last_file == NULL || migrate_version_compare(&row->version, last_file) > 0;
            entry->state = is_newer ? MIGRATE_STATE_NEWER : MIGRATE_STATE_MISSING;
        }
        all.count += 1;
    }
    *out = all;
    return 0;
}

void migrate_comparison_mark_begun(struct migrate_comparison *comparison, const char *names)
{
    while (*names != '\0') {
        size_t length = strcspn(names, "\n");
        for (size_t i = 0; i < comparison->count; i++) {
            struct migrate_entry *entry = &comparison->entries[i];
            const char *name = migrate_entry_name(entry);
            if (entry->state == MIGRATE_STATE_PENDING && strlen(name) == length && strncmp(name, names, length) == 0) {
                entry->state = MIGRATE_STATE_BEGUN;
            }
        }
        names += length + (names[length] == '\n' ? 1 : 0);
    }
}

void migrate_comparison_done(struct migrate_comparison *comparison)
{
    free(comparison->entries);
    *comparison = (struct migrate_comparison){.entries = NULL, .count = 0};
}

void migrate_plan_done(struct migrate_plan *plan)
{
    free(plan->items);
    *plan = (struct migrate_plan){.items = NULL, .count = 0};
}

/* --- refusals --- */

static const struct migrate_entry *find_state(const struct migrate_comparison *comparison, enum migrate_state state,
                                              bool last)
{
    const struct migrate_entry *found = NULL;
    for (size_t i = 0; i < comparison->count && (found == NULL || last); i++) {
        found = comparison->entries[i].state == state ? &comparison->entries[i] : found;
    }
    return found;
}

static int refuse_newer(const struct migrate_comparison *comparison, const struct migrate_row *row, struct err *err)
{
    const char *last = "none";
    for (size_t i = 0; i < comparison->count; i++) {
        const struct migrate_file *file = comparison->entries[i].file;
        last = file != NULL && !migrate_file_repeatable(file) ? file->name : last;
    }
    (void) err_set(err, ERR_MIGRATION,
                   "the database is newer than the migrations: %s was applied to it by version %s, the last file is %s",
                   row->name, row->binary_version, last);
    err_hint(err, "start the version that has this migration, or a later one; --allow-newer (MIGRATIONS_ALLOW_NEWER) "
                  "goes on without it");
    return -(int) ERR_MIGRATION;
}

static int refuse_missing(const struct migrate_row *row, struct err *err)
{
    (void) err_set(err, ERR_MIGRATION, "%s was applied to the database, but the file is missing", row->name);
    err_hint(err, "put the file back; applied migrations belong to the database");
    return -(int) ERR_MIGRATION;
}

static int refuse_edited(const struct migrate_entry *entry, struct err *err)
{
    (void) err_set(err, ERR_MIGRATION, "%s was edited after it was applied: its sha256 was %s, now it is %s",
                   entry->file->name, entry->row->sha256, entry->file->sha256);
    err_hint(err,
             "restore the file as it was, and make the change in a new migration; when the database is as the file "
             "says, digitalism migrate repair accepts it");
    return -(int) ERR_MIGRATION;
}

static int refuse_late(const struct migrate_comparison *comparison, const struct migrate_file *file, struct err *err)
{
    const struct migrate_row *last = NULL;
    for (size_t i = 0; i < comparison->count; i++) {
        const struct migrate_row *row = comparison->entries[i].row;
        last = row != NULL && row->version.text[0] != '\0' ? row : last;
    }
    assert(last != NULL);
    (void) err_set(err, ERR_MIGRATION, "%s is new, but stands before %s, which is already applied", file->name,
                   last->name);
    err_hint(err, "give it a number above %s, or apply it all the same with --out-of-order (MIGRATIONS_OUT_OF_ORDER)",
             last->version.text);
    return -(int) ERR_MIGRATION;
}

/* What is wrong, the likeliest cause first: an older program on a newer database may find its files changed too. */
static int check(const struct migrate_comparison *comparison, const struct migrate_rules *rules, struct err *err)
{
    const struct migrate_entry *found = find_state(comparison, MIGRATE_STATE_NEWER, true);
    if (found != NULL && !rules->allow_newer) {
        return refuse_newer(comparison, found->row, err);
    }
    found = find_state(comparison, MIGRATE_STATE_MISSING, false);
    if (found != NULL) {
        return refuse_missing(found->row, err);
    }
    found = find_state(comparison, MIGRATE_STATE_EDITED, false);
    if (found != NULL) {
        return refuse_edited(found, err);
    }
    found = find_state(comparison, MIGRATE_STATE_LATE, false);
    if (found != NULL && !rules->out_of_order) {
        return refuse_late(comparison, found->file, err);
    }
    return 0;
}

static int check_target(const struct migrate_comparison *comparison, const struct migrate_version *to, struct err *err)
{
    for (size_t i = 0; i < comparison->count; i++) {
        if (strcmp(migrate_entry_version(&comparison->entries[i])->text, to->text) == 0) {
            return 0;
        }
    }
    return err_set(err, ERR_MIGRATION, "no migration has the version %s", to->text);
}

/* --- plans --- */

static int plan_new(struct migrate_plan *out, const struct migrate_comparison *comparison, struct err *err)
{
    *out = (struct migrate_plan){.items = calloc(comparison->count + 1, sizeof(void *)), .count = 0};
    return out->items == NULL ? err_set(err, ERR_INTERNAL, "no memory for the plan of the migrations") : 0;
}

/* What is repeatable rests on everything before it, so that a part of the way is not enough for it. */
static bool is_beyond(const struct migrate_file *file, const struct migrate_version *to)
{
    return to != NULL && (migrate_file_repeatable(file) || migrate_version_compare(&file->version, to) > 0);
}

int migrate_plan_up(struct migrate_plan *out, const struct migrate_comparison *comparison,
                    const struct migrate_rules *rules, struct err *err)
{
    int failure = check(comparison, rules, err);
    if (failure == 0 && rules->to != NULL) {
        failure = check_target(comparison, rules->to, err);
    }
    struct migrate_plan plan;
    if (failure == 0) {
        failure = plan_new(&plan, comparison, err);
    }
    if (failure != 0) {
        return failure;
    }
    for (size_t i = 0; i < comparison->count; i++) {
        const struct migrate_entry *entry = &comparison->entries[i];
        if (migrate_entry_pending(entry) && !is_beyond(entry->file, rules->to)) {
            plan.items[plan.count++] = entry;
        }
    }
    *out = plan;
    return 0;
}

static int check_undoable(const struct migrate_entry *entry, struct err *err)
{
    if (entry->state == MIGRATE_STATE_APPLIED) {
        if (entry->file->down.part.exists) {
            return 0;
        }
        (void) err_set(err, ERR_MIGRATION, "%s has nothing that undoes it", entry->file->name);
        err_hint(err, "a file of the same number that ends in .down.sql, or a section for it, would");
        return -(int) ERR_MIGRATION;
    }
    if (entry->state == MIGRATE_STATE_EDITED) {
        return refuse_edited(entry, err);
    }
    if (entry->state == MIGRATE_STATE_BASELINE) {
        (void) err_set(err, ERR_MIGRATION, "%s was in the database before it was taken over, and is not undone",
                       entry->file->name);
        return -(int) ERR_MIGRATION;
    }
    return refuse_missing(entry->row, err);
}

int migrate_plan_down(struct migrate_plan *out, const struct migrate_comparison *comparison, size_t steps,
                      const struct migrate_rules *rules, struct err *err)
{
    struct migrate_plan plan;
    int failure = 0;
    /* A wrong number might be below all: everything would be undone. Who wants that says 0. */
    if (rules->to != NULL && strcmp(rules->to->text, "0") != 0) {
        failure = check_target(comparison, rules->to, err);
    }
    failure = failure == 0 ? plan_new(&plan, comparison, err) : failure;
    if (failure != 0) {
        return failure;
    }
    for (size_t i = comparison->count; i > 0 && failure == 0; i--) {
        const struct migrate_entry *entry = &comparison->entries[i - 1];
        const struct migrate_version *version = migrate_entry_version(entry);
        if (entry->row == NULL || version->text[0] == '\0') {
            continue;
        }
        bool is_wanted = rules->to != NULL ? migrate_version_compare(version, rules->to) > 0 : plan.count < steps;
        if (!is_wanted) {
            break;
        }
        failure = check_undoable(entry, err);
        plan.items[plan.count++] = entry;
    }
    if (failure != 0) {
        migrate_plan_done(&plan);
        return failure;
    }
    *out = plan;
    return 0;
}
