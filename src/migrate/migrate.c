/* The phase from top to bottom: files, connection, lock, history, comparison, then the action.
 * Not here: each of those steps; making new files (create.c). */
#include "digitalism/migrate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "migrate/adopt.h"
#include "migrate/files.h"
#include "migrate/history.h"
#include "migrate/lock.h"
#include "migrate/plan.h"
#include "migrate/print.h"
#include "migrate/run.h"

#define STEPS_MAX 10000

const char *const migrate_action_names[MIGRATE_ACTION_COUNT] = {
    [MIGRATE_UP] = "up",         [MIGRATE_STATUS] = "status",     [MIGRATE_PLAN] = "plan",
    [MIGRATE_DOWN] = "down",     [MIGRATE_BASELINE] = "baseline", [MIGRATE_VALIDATE] = "validate",
    [MIGRATE_REPAIR] = "repair", [MIGRATE_NEW] = "new",
};

/* What the actions work on. */
struct phase {
    const struct migrate_options *options;
    struct migrate_files files;
    struct migrate_store store;
    struct migrate_history history;
    struct migrate_comparison comparison;
    struct migrate_version target; /* of --to, or of baseline */
    struct migrate_rules rules;
    size_t steps; /* of down */
};

bool migrate_action_reports(enum migrate_action action)
{
    return action == MIGRATE_STATUS || action == MIGRATE_PLAN || action == MIGRATE_VALIDATE;
}

/* --- before there is a connection --- */

static int read_operands(struct phase *phase, struct err *err)
{
    const struct migrate_options *options = phase->options;
    const char *version = options->action == MIGRATE_BASELINE ? options->operand : options->to;
    phase->rules = (struct migrate_rules){.out_of_order = options->out_of_order, .allow_newer = options->allow_newer};
    phase->steps = 1;
    if (version != NULL) {
        if (!migrate_version_parse(&phase->target, version)) {
            return err_set(err, ERR_CONFIG, "\"%s\" is no version: it must be the number of a migration", version);
        }
        phase->rules.to = &phase->target;
    }
    if (options->action == MIGRATE_DOWN && options->operand != NULL) {
        char *end = NULL;
        errno = 0;
        long steps = strtol(options->operand, &end, 10);
        if (errno != 0 || *end != '\0' || steps < 1 || steps > STEPS_MAX) {
            return err_set(err, ERR_CONFIG, "\"%s\" is not how many to undo: it must be a number from 1 to %d",
                           options->operand, STEPS_MAX);
        }
        if (version != NULL) {
            return err_set(err, ERR_CONFIG, "migrate down takes how many to undo or --to, not both");
        }
        phase->steps = (size_t) steps;
    }
    return 0;
}

static int load(struct phase *phase, bool quiet, struct err *err)
{
    int failure = read_operands(phase, err);
    return failure != 0
               ? failure
               : migrate_files_load(&phase->files, phase->options->directory, phase->options->strict, quiet, err);
}

static void phase_done(struct phase *phase)
{
    migrate_comparison_done(&phase->comparison);
    migrate_history_done(&phase->history);
    migrate_store_done(&phase->store);
    migrate_files_done(&phase->files);
}

int migrate_check(const struct migrate_options *options, struct err *err)
{
    struct phase phase = {.options = options};
    int failure = load(&phase, true, err);
    phase_done(&phase);
    return failure;
}

/* --- files against history --- */

static int read_history(struct phase *phase, struct err *err)
{
    migrate_history_done(&phase->history);
    migrate_comparison_done(&phase->comparison);
    BUFFER_AUTO begun = BUFFER_EMPTY;
    int failure = migrate_store_read(&phase->store, &phase->history, err);
    failure = failure == 0 ? migrate_compare(&phase->comparison, &phase->files, &phase->history, err) : failure;
    failure = failure == 0 ? migrate_store_unfinished(&phase->store, &begun, err) : failure;
    if (failure == 0) {
        migrate_comparison_mark_begun(&phase->comparison, buffer_text(&begun));
    }
    return failure;
}

/* A report about a database that would be taken over shows it as if it were. */
static void show_adopted(struct phase *phase, const struct migrate_version *version)
{
    for (size_t i = 0; i < phase->comparison.count; i++) {
        struct migrate_entry *entry = &phase->comparison.entries[i];
        if (!migrate_file_repeatable(entry->file) && migrate_version_compare(&entry->file->version, version) <= 0) {
            entry->state = MIGRATE_STATE_BASELINE;
        }
    }
}

/* A database without a history of ours: empty, left by alembic, or somebody else's. */
static int meet_stranger(struct phase *phase, struct err *err)
{
    struct migrate_adoption adoption;
    int failure = migrate_adopt_find(&adoption, &phase->store, phase->options->directory, &phase->files, err);
    if (failure == 0 && !adoption.exists) {
        failure = migrate_store_refuse_foreign(&phase->store, err);
        return failure != 0 ? failure : read_history(phase, err);
    }
    if (failure == 0) {
        failure = migrate_adopt_verify(&phase->store, &phase->files, &adoption, err);
    }
    if (failure != 0) {
        return failure;
    }
    if (migrate_action_reports(phase->options->action)) {
        failure = read_history(phase, err);
        if (failure == 0) {
            show_adopted(phase, &adoption.version);
        }
        return failure;
    }
    log_info("taking the database over from alembic, which left it at its revision %s", adoption.revision);
    failure = migrate_adopt_baseline(&phase->store, &phase->files, &adoption.version, err);
    return failure != 0 ? failure : read_history(phase, err);
}

static int meet(struct phase *phase, struct err *err)
{
    int failure = migrate_store_find(&phase->store, err);
    bool goes_on = phase->options->action == MIGRATE_UP || migrate_action_reports(phase->options->action);
    if (failure == 0 && phase->store.table == NULL && goes_on) {
        return meet_stranger(phase, err);
    }
    return failure != 0 ? failure : read_history(phase, err);
}

/* --- the actions --- */

/* Runs all that is planned. All of it is read first: what cannot be run is better known before the rest is. */
static int run_all(struct phase *phase, const struct migrate_plan *plan, enum migrate_direction direction,
                   struct migrate_outcome *out, struct err *err)
{
    int failure = 0;
    for (size_t i = 0; i < plan->count && failure == 0; i++) {
        MIGRATE_RUN_AUTO run = {.store = NULL};
        failure = migrate_run_open(&run, &phase->store, plan->items[i]->file, direction, err);
    }
    if (failure == 0) {
        failure = migrate_store_create(&phase->store, err);
    }
    for (size_t i = 0; i < plan->count && failure == 0; i++) {
        MIGRATE_RUN_AUTO run = {.store = NULL};
        failure = migrate_run_open(&run, &phase->store, plan->items[i]->file, direction, err);
        failure = failure == 0 ? migrate_session_reset(phase->store.db, err) : failure;
        failure = failure == 0 ? migrate_run(&run, err) : failure;
        out->changed += failure == 0 ? 1 : 0;
    }
    return failure;
}

static int up(struct phase *phase, struct migrate_outcome *out, struct err *err)
{
    MIGRATE_PLAN_AUTO plan = {.items = NULL, .count = 0};
    int failure = migrate_plan_up(&plan, &phase->comparison, &phase->rules, err);
    if (failure == 0 && plan.count == 0) {
        log_info("nothing to apply: %zu migrations are in place", phase->history.count);
        return 0;
    }
    return failure != 0 ? failure : run_all(phase, &plan, MIGRATE_DIRECTION_UP, out, err);
}

static int down(struct phase *phase, struct migrate_outcome *out, struct err *err)
{
    MIGRATE_PLAN_AUTO plan = {.items = NULL, .count = 0};
    int failure = migrate_plan_down(&plan, &phase->comparison, phase->steps, &phase->rules, err);
    if (failure == 0 && plan.count == 0) {
        log_info("nothing to undo");
        return 0;
    }
    return failure != 0 ? failure : run_all(phase, &plan, MIGRATE_DIRECTION_DOWN, out, err);
}

static int baseline(struct phase *phase, struct migrate_outcome *out, struct err *err)
{
    if (phase->history.count > 0) {
        (void) err_set(err, ERR_MIGRATION, "the database has a migration history already: %zu migrations are in it",
                       phase->history.count);
        err_hint(err, "a baseline is for a database without one; digitalism migrate status shows it");
        return -(int) ERR_MIGRATION;
    }
    bool is_known = false;
    for (size_t i = 0; i < phase->files.count; i++) {
        const struct migrate_version *version = &phase->files.items[i].version;
        is_known = is_known || strcmp(version->text, phase->target.text) == 0;
        out->changed += version->text[0] != '\0' && migrate_version_compare(version, &phase->target) <= 0 ? 1 : 0;
    }
    if (!is_known) {
        return err_set(err, ERR_MIGRATION, "no migration has the version %s", phase->target.text);
    }
    return migrate_adopt_baseline(&phase->store, &phase->files, &phase->target, err);
}

static int repair(struct phase *phase, struct migrate_outcome *out, struct err *err)
{
    int failure = phase->store.table == NULL ? 0 : migrate_store_create(&phase->store, err);
    for (size_t i = 0; i < phase->comparison.count && failure == 0; i++) {
        const struct migrate_entry *entry = &phase->comparison.entries[i];
        if (entry->state == MIGRATE_STATE_EDITED) {
            log_info("accepted %s as it is now: its sha256 was %s, now it is %s", entry->file->name, entry->row->sha256,
                     entry->file->sha256);
            failure = migrate_store_accept(&phase->store, entry->row, entry->file, err);
            out->changed += 1;
        }
        struct migrate_progress progress = {.exists = false};
        if (failure == 0 && entry->file != NULL && phase->store.unfinished != NULL) {
            failure = migrate_store_progress(&phase->store, entry->file, &progress, err);
        }
        if (failure == 0 && progress.exists) {
            log_info("forgot that %s was begun: it will start anew, although %zu of its statements were done",
                     entry->file->name, progress.statements);
            failure = migrate_store_forget_progress(&phase->store, entry->file->name, err);
            out->changed += 1;
        }
    }
    if (failure == 0 && out->changed == 0) {
        log_info("nothing to repair");
    }
    return failure;
}

static int report(struct phase *phase, struct migrate_outcome *out, struct err *err)
{
    MIGRATE_PLAN_AUTO plan = {.items = NULL, .count = 0};
    out->pending = migrate_count_pending(&phase->comparison);
    if (phase->options->action == MIGRATE_STATUS) {
        (phase->options->json ? migrate_print_json : migrate_print_status)(&out->report, &phase->comparison);
        return 0;
    }
    int failure = migrate_plan_up(&plan, &phase->comparison, &phase->rules, err);
    for (size_t i = 0; i < plan.count && failure == 0; i++) {
        MIGRATE_RUN_AUTO run = {.store = NULL};
        failure = migrate_run_open(&run, &phase->store, plan.items[i]->file, MIGRATE_DIRECTION_UP, err);
    }
    if (failure == 0 && phase->options->action == MIGRATE_PLAN) {
        migrate_print_plan(&out->report, &plan);
    } else if (failure == 0) {
        buffer_append_format(&out->report, "valid: %zu migrations, %zu of them to be applied\n", phase->files.count,
                             plan.count);
    }
    return failure;
}

static int act(struct phase *phase, struct migrate_outcome *out, struct err *err)
{
    switch (phase->options->action) {
    case MIGRATE_UP:
        return up(phase, out, err);
    case MIGRATE_DOWN:
        return down(phase, out, err);
    case MIGRATE_BASELINE:
        return baseline(phase, out, err);
    case MIGRATE_REPAIR:
        return repair(phase, out, err);
    case MIGRATE_STATUS:
    case MIGRATE_PLAN:
    case MIGRATE_VALIDATE:
        return report(phase, out, err);
    case MIGRATE_NEW:
    case MIGRATE_ACTION_COUNT:
        break;
    }
    return err_set(err, ERR_INTERNAL, "no such action");
}

/* --- the connection --- */

/* What PostgreSQL refuses on a connection that stands is the migration's failure, not the connection's. */
static int recode_refusal(int failure, struct err *err)
{
    if (failure != -(int) ERR_DATABASE || err->sqlstate[0] == '\0' || err->transient) {
        return failure;
    }
    if (strcmp(err->sqlstate, "42501") == 0 && err->hint[0] == '\0') {
        err_hint(err, "migrating needs a user that may create tables and owns those that are there: set DATABASE_USER, "
                      "or GRANT CREATE ON SCHEMA public to this one");
    }
    return err_recode(err, ERR_MIGRATION);
}

/* A report takes no lock and sets nothing: a migration under way does not hold it up, and it leaves no trace in a
 * session that a pooler lends. */
static int perform_locked(struct phase *phase, struct migrate_outcome *out, struct err *err)
{
    bool locks = !migrate_action_reports(phase->options->action);
    int failure = locks ? migrate_refuse_pooler(phase->store.db, phase->options->target, phase->store.stop_fd, err) : 0;
    if (failure == 0 && locks) {
        failure = migrate_session_reset(phase->store.db, err);
    }
    if (failure == 0 && locks) {
        failure = migrate_lock(phase->store.db, phase->options->lock_timeout_ms, phase->store.stop_fd, err);
    }
    failure = failure == 0 ? meet(phase, err) : failure;
    failure = failure == 0 ? act(phase, out, err) : failure;
    if (failure != 0) {
        return recode_refusal(failure, err); /* the lock goes with the connection */
    }
    return locks ? migrate_unlock(phase->store.db, err) : 0;
}

static int perform(struct phase *phase, struct migrate_outcome *out, struct err *err)
{
    const struct migrate_options *options = phase->options;
    int failure = load(phase, false, err);
    if (failure != 0) {
        return failure;
    }
    DB_AUTO db = NULL;
    const struct db_options db_options = {.application_name = "digitalism migrate",
                                          .connect_timeout_ms = options->connect_timeout_ms};
    failure = db_open(&db, options->target, &db_options, err);
    if (failure != 0) {
        return failure;
    }
    FILE_FD_AUTO stop_fd = stop_open(err);
    if (stop_fd < 0) {
        return stop_fd;
    }
    db_interruptible(db, stop_fd);
    phase->store = (struct migrate_store){.db = db, .stop_fd = stop_fd, .binary_version = options->binary_version};
    return perform_locked(phase, out, err);
}

int migrate_perform(const struct migrate_options *options, struct migrate_outcome *out, struct err *err)
{
    struct err unwanted = {.code = ERR_NONE};
    struct phase phase = {.options = options};
    *out = (struct migrate_outcome){.report = BUFFER_EMPTY};
    int failure = perform(&phase, out, err == NULL ? &unwanted : err);
    phase_done(&phase);
    return failure;
}
