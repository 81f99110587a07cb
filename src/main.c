/* The table of contents: parse the command line, load the settings, run the command's phases, choose the exit code.
 * Not here: what a phase does (its module), how children are kept (supervise). */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "command_line.h"
#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "digitalism/config.h"
#include "digitalism/etl.h"
#include "digitalism/probe.h"
#include "digitalism/supervise.h"
#include "digitalism/supervise_init.h"
#include "phases.h"
#include "program.h"

#define HEALTH_TIMEOUT_MS 5000
#define STATUS_TIMEOUT_MS 5000

/* The only place where a failure becomes an exit code. */
static int exit_code_of(enum err_code code)
{
    static const int exit_codes[] = {
        [ERR_NONE] = 0,     [ERR_INTERNAL] = 1,  [ERR_CONFIG] = 2,
        [ERR_DATABASE] = 3, [ERR_MIGRATION] = 4, [ERR_ETL] = 5,
        [ERR_LISTEN] = 6,   [ERR_REMOTE] = 1,    [ERR_INTERRUPTED] = 128 + SIGTERM,
    };
    static_assert(sizeof(exit_codes) / sizeof(exit_codes[0]) == ERR_CODE_COUNT, "every code has an exit code");
    return exit_codes[code];
}

static int fail(const struct err *err)
{
    /* Ending because that was asked for is no failure to be told of. */
    log_err(err->code == ERR_INTERRUPTED ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, err);
    return exit_code_of(err->code);
}

/* For commands that log nothing. */
static int complain(const struct err *err)
{
    (void) fprintf(stderr, "digitalism: %s%s%s\n", err->message, err->hint[0] == '\0' ? "" : "\nhint: ", err->hint);
    return exit_code_of(err->code);
}

static int print(struct buffer *text)
{
    bool is_written = !buffer_failed(text) && fputs(buffer_text(text), stdout) >= 0 && fflush(stdout) == 0;
    return is_written ? 0 : exit_code_of(ERR_INTERNAL);
}

/* Stages and workers: each runs in a child, and its return value is that child's exit code. */

static int run_phase(phase *run, void *context)
{
    struct err err;
    return run(context, &err) == 0 ? 0 : fail(&err);
}

static int stage_wait(void *context)
{
    return run_phase(phase_wait_stages, &((struct program *) context)->phases);
}

static int stage_wait_all(void *context)
{
    return run_phase(phase_wait_all, &((struct program *) context)->phases);
}

static int stage_migrate(void *context)
{
    struct program *program = context;
    int exit_code = run_phase(phase_migrate, &program->phases);
    return exit_code == 0 && program->line->pending_exit && program->phases.is_pending ? 1 : exit_code;
}

static int stage_etl(void *context)
{
    return run_phase(phase_etl, &((struct program *) context)->phases);
}

static int stage_etl_report(void *context)
{
    return run_phase(phase_etl_report, &((struct program *) context)->phases);
}

static int worker_run(void *context, const struct supervise_worker *worker)
{
    struct err err;
    return phase_serve(&((struct program *) context)->phases, worker, &err) == 0 ? 0 : fail(&err);
}

/* The phases that a command goes through, in this order. */
struct plan {
    bool wait_all; /* also for the way that the workers take to the database */
    bool etl;
    bool etl_report;   /* shows the ledger instead of loading */
    bool etl_optional; /* its failure does not keep us from serving */
    bool migrate;
    bool serve;
};

static bool is_supervised(const struct command_line *line)
{
    enum command command = line->command;
    if (line->print_records) {
        return false;
    }
    return command == COMMAND_API || command == COMMAND_ALL || command == COMMAND_ETL || command == COMMAND_MIGRATE ||
           command == COMMAND_WAIT;
}

static struct plan plan_of(const struct command_line *line, const struct config *config)
{
    switch (line->command) {
    case COMMAND_API:
        return (struct plan){
            .wait_all = true, .migrate = true, .etl = config->run_etl_on_startup, .etl_optional = true, .serve = true};
    case COMMAND_ALL:
        return (struct plan){.wait_all = true, .migrate = true, .etl = true, .serve = true};
    case COMMAND_ETL:
        return (struct plan){.migrate = line->load == ETL_LOAD && !line->dry_run,
                             .etl = line->load == ETL_LOAD,
                             .etl_report = line->load != ETL_LOAD};
    case COMMAND_MIGRATE:
        return (struct plan){.migrate = true};
    default:
        return (struct plan){.wait_all = true};
    }
}

static int run_plan(struct program *program, const struct plan *plan)
{
    struct err err;
    const struct phases *phases = &program->phases;
    struct supervise_stage stages[3] = {{.name = "wait",
                                         .run = plan->wait_all ? stage_wait_all : stage_wait,
                                         .crash_exit_code = exit_code_of(ERR_DATABASE)}};
    size_t stage_count = 1;
    if (plan->migrate) {
        stages[stage_count++] = (struct supervise_stage){
            .name = "migrate", .run = stage_migrate, .crash_exit_code = exit_code_of(ERR_MIGRATION)};
    }
    if (plan->etl) {
        stages[stage_count++] = (struct supervise_stage){
            .name = "etl", .run = stage_etl, .crash_exit_code = exit_code_of(ERR_ETL), .optional = plan->etl_optional};
    }
    if (plan->etl_report) {
        stages[stage_count++] =
            (struct supervise_stage){.name = "etl", .run = stage_etl_report, .crash_exit_code = exit_code_of(ERR_ETL)};
    }
    /* What can be found wrong without a database is found before anything waits for one. */
    if ((plan->migrate && phases_check_migrations(phases, &err) < 0) ||
        (plan->etl && !plan->etl_optional && phases_check_files(phases, &err) < 0)) {
        return fail(&err);
    }
    struct supervise_plan supervised = {.scoreboard = phases->scoreboard,
                                        .stages = stages,
                                        .stage_count = stage_count,
                                        .worker_run = worker_run,
                                        .context = program,
                                        .reload = program_reload};
    program_fill_plan(program, &supervised);
    if (!plan->serve) {
        supervised.worker_count = 0;
    }
    int exit_code = 0;
    return supervise_run(&supervised, &exit_code, &err) == 0 ? exit_code : fail(&err);
}

static int run_health(const struct config *config)
{
    struct err err;
    if (probe_health(config->host, config->port, HEALTH_TIMEOUT_MS, &err) < 0) {
        (void) fprintf(stderr, "unhealthy: %s%s%s\n", err.message, err.hint[0] == '\0' ? "" : "; hint: ", err.hint);
        return 1; /* what HEALTHCHECK calls unhealthy; it reserves the other codes */
    }
    return puts("healthy") < 0;
}

static int run_status(const struct command_line *line, const struct config *config)
{
    struct err err;
    const struct probe_status options = {.port = config->port,
                                         .timeout_ms = STATUS_TIMEOUT_MS,
                                         .json = line->json,
                                         .watch = line->watch,
                                         .interval_ms = line->interval_ms};
    if (probe_status(&options, &err) < 0) {
        return complain(&err);
    }
    return 0;
}

static int run_migrate_new(const struct command_line *line, const struct config *config)
{
    struct err err;
    BUFFER_AUTO names = BUFFER_EMPTY;
    if (migrate_create_files(config->migrations_path, line->operands[0], &names, &err) < 0) {
        return complain(&err);
    }
    return print(&names);
}

static int run_print_records(const struct command_line *line, const struct config *config)
{
    struct err err;
    struct etl_format format = phases_etl_format(config);
    return etl_print_records(line->operands[0], &format, stdout, &err) < 0 ? complain(&err) : 0;
}

static int run_command(struct program *program)
{
    struct err err;
    const struct config *config = &program->loaded.values;
    if (program->line->command == COMMAND_HEALTH) {
        return run_health(config);
    }
    log_role("supervisor");
    if (scoreboard_new(&program->phases.scoreboard, SUPERVISE_WORKERS_MAX, &err) < 0) {
        return fail(&err);
    }
    struct scoreboard *scoreboard = program->phases.scoreboard;
    struct plan plan = plan_of(program->line, config);
    int exit_code = run_plan(program, &plan);
    scoreboard_free(scoreboard);
    return exit_code;
}

/* Faults go to stderr as they are: the log's own settings may be among them. So do the warnings: what is missing may
 * stand there under a misspelt name. */
static int report_faults(const struct err *err, const struct buffer *faults, const struct buffer *warnings)
{
    (void) fprintf(stderr, "digitalism: %s\n%s%s", err->message, buffer_text(faults), buffer_text(warnings));
    return exit_code_of(err->code);
}

static int run_line(const struct command_line *line)
{
    struct err err;
    struct program program;
    BUFFER_AUTO text = BUFFER_EMPTY;
    int exit_code;
    if (program_load(&program, line, &text, &err) < 0) {
        exit_code = report_faults(&err, &text, &program.loaded.warnings);
    } else if (line->command == COMMAND_CONFIG) {
        (void) fputs(buffer_text(&program.loaded.warnings), stderr);
        config_print(&program.loaded, &text);
        exit_code = print(&text);
    } else if (line->command == COMMAND_STATUS) {
        /* It logs nothing: a log file that it would make belongs to whoever asks, not to the service. */
        (void) fputs(buffer_text(&program.loaded.warnings), stderr);
        exit_code = run_status(line, &program.loaded.values);
    } else if (line->command == COMMAND_MIGRATE && line->migration == MIGRATE_NEW) {
        exit_code = run_migrate_new(line, &program.loaded.values);
    } else if (line->print_records) {
        exit_code = run_print_records(line, &program.loaded.values);
    } else {
        program_open_log(&program);
        exit_code = run_command(&program);
    }
    program_done(&program);
    return exit_code;
}

/* Reads no settings: they are another program's business. */
static int run_init(const struct command_line *line)
{
    struct err err;
    BUFFER_AUTO text = BUFFER_EMPTY;
    char *const *arguments = (char *const *) line->operands;
    int exit_code = 0;
    int failure = supervise_init(arguments, environ, &text, &exit_code, &err);
    if (failure == -ERR_CONFIG) {
        const char *name = supervise_init_is_name(arguments[0]) ? arguments[0] : "digitalism init";
        (void) fprintf(stderr, "%s: %s%s%s\n", name, err.message, err.hint[0] == '\0' ? "" : "\n", err.hint);
        return supervise_init_usage_code(arguments[0], environ);
    }
    if (failure < 0) {
        return fail(&err);
    }
    return text.length > 0 ? print(&text) : exit_code;
}

int main(int argc, char **argv)
{
    struct err err;
    struct command_line line;
    if (file_fill_standard(&err) < 0) {
        return fail(&err);
    }
    if (command_line_parse(&line, argc, argv, &err) < 0) {
        (void) fprintf(stderr, "digitalism: %s%s%s\n", err.message, err.hint[0] == '\0' ? "" : "\n", err.hint);
        return exit_code_of(err.code);
    }
    if (is_supervised(&line)) {
        supervise_hold_signals();
    }
    int exit_code;
    BUFFER_AUTO text = BUFFER_EMPTY;
    if (line.help) {
        command_line_help(&text, &line);
        exit_code = print(&text);
    } else if (line.version) {
        buffer_append_text(&text, "digitalism " DIGITALISM_VERSION "\n");
        exit_code = print(&text);
    } else if (line.command == COMMAND_INIT) {
        exit_code = run_init(&line);
    } else {
        exit_code = run_line(&line);
    }
    command_line_done(&line);
    return exit_code;
}
