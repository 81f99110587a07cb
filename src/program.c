/* Loading the settings, once and again.
 * Not here: the settings themselves (config), running anything (main.c). */
#include "program.h"

#include <string.h>
#include <unistd.h>

#include "digitalism/base/log.h"
#include "digitalism/db.h"
#include "digitalism/etl.h"

static int check_database_url(const char *url, struct err *err)
{
    struct db_target *target = NULL;
    int failure = db_target_new(&target, url, NULL, NULL, err);
    db_target_free(target);
    return failure;
}

static bool needs_database(const struct command_line *line)
{
    bool makes_file = line->command == COMMAND_MIGRATE && line->migration == MIGRATE_NEW;
    return line->command != COMMAND_CONFIG && line->command != COMMAND_HEALTH && line->command != COMMAND_STATUS &&
           !makes_file && !line->print_records;
}

int program_load(struct program *out, const struct command_line *line, struct buffer *faults, struct err *err)
{
    *out = (struct program){.line = line};
    struct config_options options = {.flags = line->flags,
                                     .flag_count = line->flag_count,
                                     .environment = environ,
                                     .ini_path = line->ini_path,
                                     .dotenv_path = line->dotenv_path,
                                     .database_required = needs_database(line),
                                     .check_database_url = check_database_url,
                                     .check_columns = etl_check_columns};
    int failure = config_load(&out->loaded, &options, faults, err);
    if (failure == 0 && needs_database(line)) {
        failure = phases_init(&out->phases, &out->loaded.values, line, err);
    }
    return failure;
}

void program_done(struct program *program)
{
    phases_done(&program->phases);
    config_done(&program->loaded);
}

static bool prints_report(const struct command_line *line)
{
    return (line->command == COMMAND_MIGRATE && migrate_action_reports(line->migration)) ||
           (line->command == COMMAND_ETL && (line->json || line->load != ETL_LOAD));
}

void program_open_log(const struct program *program)
{
    struct err err;
    const struct config *config = &program->loaded.values;
    struct log_settings settings = {.level = config->log_level, .format = config->log_format, .path = config->log_file};
    if (prints_report(program->line) && strcmp(settings.path, "stdout") == 0) {
        settings.path = "stderr"; /* the report is alone on stdout, for scripts */
    }
    if (log_open(&settings, &err) < 0) {
        settings.path = "stdout";
        (void) log_open(&settings, NULL);
        log_warn("%s, logging to stdout, continuing", err.message);
    }
    log_lines(LOG_LEVEL_WARN, buffer_text(&program->loaded.warnings));
}

void program_fill_plan(const struct program *program, struct supervise_plan *plan)
{
    const struct config *config = &program->loaded.values;
    size_t workers = config->workers > 0 ? (size_t) config->workers : supervise_usable_cpus();
    plan->worker_count = workers < SUPERVISE_WORKERS_MAX ? workers : SUPERVISE_WORKERS_MAX;
    plan->host = config->host;
    plan->port = (uint16_t) config->port;
    plan->graceful_timeout_ms = config->graceful_timeout_ms;
    plan->drain_delay_ms = config->drain_delay_ms;
    plan->requests_max = (uint64_t) config->max_requests;
    plan->memory_max_bytes = (uint64_t) config->worker_memory_limit_bytes;
}

int program_reload(void *context, struct supervise_plan *plan, struct err *err)
{
    struct program *program = context;
    struct program fresh;
    BUFFER_AUTO faults = BUFFER_EMPTY;
    if (program_load(&fresh, program->line, &faults, err) < 0) {
        log_lines(LOG_LEVEL_ERROR, buffer_text(&faults));
        program_done(&fresh);
        return -(int) err->code;
    }
    const struct config *before = &program->loaded.values;
    const struct config *after = &fresh.loaded.values;
    if (strcmp(before->host, after->host) != 0 || before->port != after->port) {
        log_warn("HOST and PORT have changed, but take effect at a restart only, continuing");
    }
    fresh.phases.scoreboard = program->phases.scoreboard;
    program_done(program);
    *program = fresh;
    program->phases.config = &program->loaded.values;
    program_open_log(program);
    program_fill_plan(program, plan);
    return 0;
}
