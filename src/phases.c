/* Settings into each module's options.
 * Not here: the order of the phases (main.c), what they do (their modules). */
#include "phases.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "digitalism/api.h"
#include "digitalism/base/buffer.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "digitalism/geocode.h"
#include "digitalism/migrate.h"
#include "digitalism/wait.h"

#define CONNECT_TIMEOUT_MS 10000
#define ETL_AUTO_JOBS_MAX  4

int phases_init(struct phases *out, const struct config *config, const struct command_line *line, struct err *err)
{
    *out = (struct phases){.config = config, .line = line};
    int failure =
        db_target_new(&out->target, config->database_url, config->database_user, config->database_password, err);
    if (failure < 0 || config->migration_database_url == NULL) {
        return failure;
    }
    failure = db_target_new(&out->direct_target, config->migration_database_url, NULL, NULL, err);
    if (failure == 0 && !db_target_names_user(out->direct_target)) {
        /* It says only another way to the same login. */
        db_target_free(out->direct_target);
        out->direct_target = NULL;
        failure = db_target_new(&out->direct_target, config->migration_database_url, config->database_user,
                                config->database_password, err);
    }
    return failure;
}

/* Stages hold locks and settings in their session, which a pooler in transaction mode does not keep. */
static const struct db_target *stage_target(const struct phases *phases)
{
    return phases->direct_target != NULL ? phases->direct_target : phases->target;
}

void phases_done(struct phases *phases)
{
    db_target_free(phases->target);
    db_target_free(phases->direct_target);
}

static int wait_for(const struct phases *phases, const struct db_target *const *targets, size_t count, struct err *err)
{
    /* SIGTERM keeps its default action: there is nothing to undo. */
    struct wait_options options = {.targets = targets,
                                   .target_count = count,
                                   .timeout_ms = phases->config->database_wait_timeout_ms,
                                   .database_may_be_absent = phases->config->wait_for_database,
                                   .stop_fd = STOP_NONE};
    return wait_for_database(&options, err);
}

int phase_wait_stages(void *context, struct err *err)
{
    const struct db_target *target = stage_target(context);
    return wait_for(context, &target, 1, err);
}

int phase_wait_all(void *context, struct err *err)
{
    const struct phases *phases = context;
    /* The server first: a pooler in front of it can only answer after it. */
    const struct db_target *const targets[] = {stage_target(phases), phases->target};
    return wait_for(phases, targets, phases->direct_target != NULL ? 2 : 1, err);
}

static struct migrate_options migrate_options_of(const struct phases *phases)
{
    const struct config *config = phases->config;
    const struct command_line *line = phases->line;
    bool is_command = line->command == COMMAND_MIGRATE;
    return (struct migrate_options){.target = stage_target(phases),
                                    .directory = config->migrations_path,
                                    .binary_version = DIGITALISM_VERSION,
                                    .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                    .lock_timeout_ms = config->database_wait_timeout_ms,
                                    .strict = config->migrations_strict,
                                    .out_of_order = config->migrations_out_of_order,
                                    .allow_newer = config->migrations_allow_newer,
                                    .action = line->migration,
                                    .to = line->to,
                                    .operand = is_command && line->operand_count > 0 ? line->operands[0] : NULL,
                                    .json = line->json};
}

int phases_check_migrations(const struct phases *phases, struct err *err)
{
    struct migrate_options options = migrate_options_of(phases);
    return migrate_check(&options, err);
}

int phase_migrate(void *context, struct err *err)
{
    struct phases *phases = context;
    struct migrate_outcome outcome;
    struct migrate_options options = migrate_options_of(phases);
    int failure = migrate_perform(&options, &outcome, err);
    if (failure == 0 && outcome.report.length > 0 &&
        (fputs(buffer_text(&outcome.report), stdout) < 0 || fflush(stdout) != 0)) {
        failure = err_set_errno(err, ERR_INTERNAL, errno, "cannot print the report");
    }
    phases->is_pending = outcome.pending > 0;
    buffer_done(&outcome.report);
    return failure;
}

static size_t etl_jobs(const struct config *config)
{
    size_t cpus = supervise_usable_cpus();
    return config->etl_jobs > 0 ? (size_t) config->etl_jobs : cpus < ETL_AUTO_JOBS_MAX ? cpus : ETL_AUTO_JOBS_MAX;
}

struct etl_format phases_etl_format(const struct config *config)
{
    return (struct etl_format){.encoding = config->etl_encoding == CONFIG_ENCODING_CP1252 ? ETL_ENCODING_CP1252
                                                                                          : ETL_ENCODING_UTF8,
                               .columns = config->etl_columns};
}

static struct etl_options etl_options_of(const struct phases *phases)
{
    const struct config *config = phases->config;
    bool is_named = phases->line->operand_count > 0 && phases->line->command == COMMAND_ETL;
    return (struct etl_options){
        .target = stage_target(phases),
        .format = phases_etl_format(config),
        .paths = is_named ? phases->line->operands : (const char *const *) &config->csv_data_path,
        .path_count = is_named ? phases->line->operand_count : 1,
        .mode = config->etl_duplicate_handling == CONFIG_DUPLICATES_REPLACE ? ETL_MODE_REPLACE : ETL_MODE_SKIP,
        .is_dry = phases->line->dry_run,
        .is_forced = phases->line->force,
        .jobs = etl_jobs(config),
        .batch_size = (size_t) config->etl_batch_size,
        .rejects_max = config->etl_max_rejects.count,
        .rejects_max_permille = config->etl_max_rejects.permille,
        .rejects_directory = config->etl_rejects_path,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .wait_timeout_ms = config->database_wait_timeout_ms,
        /* The supervisor's patience ends a little later. */
        .stop_timeout_ms = config->graceful_timeout_ms / 4 * 3};
}

int phases_check_files(const struct phases *phases, struct err *err)
{
    struct etl_options options = etl_options_of(phases);
    return etl_check(&options, err);
}

/* The state comes last: who reads it finds the counts that belong to it. */
static void publish_etl(struct scoreboard_etl *etl, const struct etl_summary *summary, bool is_done)
{
    atomic_store_explicit(&etl->read, summary->counts.read, memory_order_relaxed);
    atomic_store_explicit(&etl->inserted, summary->counts.inserted, memory_order_relaxed);
    atomic_store_explicit(&etl->updated, summary->counts.updated, memory_order_relaxed);
    atomic_store_explicit(&etl->unchanged, summary->counts.unchanged, memory_order_relaxed);
    atomic_store_explicit(&etl->duplicate, summary->counts.duplicate, memory_order_relaxed);
    atomic_store_explicit(&etl->rejected, summary->counts.rejected, memory_order_relaxed);
    atomic_store_explicit(&etl->duration_ms, summary->duration_ms, memory_order_relaxed);
    atomic_store_explicit(&etl->finished_s, (int64_t) time(NULL), memory_order_relaxed);
    atomic_store_explicit(&etl->state, is_done ? SCOREBOARD_ETL_DONE : SCOREBOARD_ETL_FAILED, memory_order_release);
}

/* Behind the load, which is committed: whatever comes of it, the load stands. */
static int geocode(const struct phases *phases, struct etl_summary *loaded, struct err *err)
{
    const struct config *config = phases->config;
    struct geocode_options options = {.target = stage_target(phases),
                                      .run = loaded->last_run,
                                      .nominatim_url = config->nominatim_url,
                                      .user_agent = config->nominatim_user_agent,
                                      .rate_limit_ms = config->nominatim_rate_limit_ms,
                                      .retries_max = config->nominatim_max_retries,
                                      .retry_delay_ms = config->nominatim_retry_delay_ms,
                                      .request_timeout_ms = config->nominatim_timeout_ms,
                                      .cache_file = config->nominatim_cache_file,
                                      .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                      .wait_timeout_ms = config->database_wait_timeout_ms};
    struct geocode_summary found;
    int failure = geocode_run(&options, &found, err);
    loaded->geocoded = found.cached + found.asked;
    return failure;
}

int phase_etl(void *context, struct err *err)
{
    struct phases *phases = context;
    struct etl_options options = etl_options_of(phases);
    struct etl_summary summary = {.files = 0};
    atomic_store_explicit(&phases->scoreboard->etl.state, SCOREBOARD_ETL_RUNNING, memory_order_release);
    int failure = etl_run(&options, &summary, err);
    publish_etl(&phases->scoreboard->etl, &summary, failure == 0);
    BUFFER_AUTO text = BUFFER_EMPTY;
    /* Also behind a failure: what was loaded stays loaded. */
    if (failure == 0 || summary.counts.read > 0) {
        etl_summary_print(&options, &summary, &text);
        log_lines(LOG_LEVEL_INFO, buffer_text(&text));
    }
    if (failure == 0 && !options.is_dry && phases->config->etl_enable_geocoding) {
        failure = geocode(phases, &summary, err);
    }
    if (phases->line->json && phases->line->command == COMMAND_ETL) {
        buffer_clear(&text);
        etl_summary_json(&options, &summary, &text);
        if (fputs(buffer_text(&text), stdout) < 0 || fflush(stdout) != 0) {
            return failure == 0 ? err_set_errno(err, ERR_INTERNAL, errno, "cannot print the outcome") : failure;
        }
    }
    return failure;
}

int phase_etl_report(void *context, struct err *err)
{
    struct phases *phases = context;
    struct etl_options options = etl_options_of(phases);
    const struct command_line *line = phases->line;
    return line->load == ETL_RUNS ? etl_print_runs(&options, line->json, err)
                                  : etl_print_rejects(&options, line->etl_run, err);
}

/* No worker is forked before the stages are over: a load that still runs has died without a word. */
static void bury_etl(struct scoreboard_etl *etl)
{
    int32_t running = SCOREBOARD_ETL_RUNNING;
    if (atomic_compare_exchange_strong(&etl->state, &running, SCOREBOARD_ETL_FAILED)) {
        atomic_store_explicit(&etl->finished_s, (int64_t) time(NULL), memory_order_relaxed);
    }
}

int phase_serve(void *context, const struct supervise_worker *worker, struct err *err)
{
    const struct phases *phases = context;
    bury_etl(&worker->scoreboard->etl);
    struct api_options options = {.target = phases->target,
                                  .listener_fd = worker->listener_fd,
                                  .control_fd = worker->control_fd,
                                  .access_log = phases->config->access_log,
                                  .graceful_timeout_ms = phases->config->graceful_timeout_ms,
                                  .requests_max = worker->requests_max,
                                  .slot = &worker->scoreboard->slots[worker->index],
                                  .scoreboard = worker->scoreboard};
    return api_serve(&options, err);
}
