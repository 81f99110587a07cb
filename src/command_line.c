/* Parsing the command line and printing its help.
 * Not here: running commands (main.c). */
#include "command_line.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/supervise_init.h"

/* What is known of each command; `operands` names them in the usage line, NULL where there are none. */
static const struct {
    const char *name;
    const char *operands;
    const char *summary;
    bool has_action; /* the operand is one of a few words, checked here */
} commands[] = {
    [COMMAND_API] = {.name = "api",
                     .summary = "wait, migrate, serve (the default; RUN_ETL_ON_STARTUP=true loads first)"},
    [COMMAND_ALL] = {.name = "all", .summary = "wait, migrate, load, serve; a failed load stops it"},
    [COMMAND_ETL] = {.name = "etl",
                     .operands = "[FILE|DIRECTORY...]",
                     .summary = "wait, migrate, load CSV files (CSV_DATA_PATH if none is named)"},
    [COMMAND_MIGRATE] = {.name = "migrate",
                         .operands = "[up]",
                         .summary = "wait, apply the migrations that are not in place yet",
                         .has_action = true},
    [COMMAND_WAIT] = {.name = "wait", .summary = "wait until PostgreSQL accepts our login"},
    [COMMAND_HEALTH] = {.name = "health", .summary = "ask a running instance's /health; for HEALTHCHECK"},
    [COMMAND_STATUS] = {.name = "status",
                        .summary = "workers, requests and the last load of the instance that runs on PORT here"},
    [COMMAND_CONFIG] = {.name = "config", .summary = "print the settings in force and where each came from"},
    [COMMAND_INIT] = {.name = "init",
                      .operands = "[OPTION...] -- COMMAND [ARGUMENT...]",
                      .summary = "PID 1 for any other program; digitalism init --help tells its options"},
};
static_assert(sizeof(commands) / sizeof(commands[0]) == COMMAND_COUNT, "every command is described");

const char *command_name(enum command command)
{
    return commands[command].name;
}

static void hint_commands(struct err *err)
{
    BUFFER_AUTO names = BUFFER_EMPTY;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buffer_append_format(&names, "%s%s", i == 0 ? "" : ", ", commands[i].name);
    }
    err_hint(err, "the commands are %s; see digitalism --help", buffer_text(&names));
}

static int find_command(enum command *out, const char *name, struct err *err)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            *out = (enum command) i;
            return 0;
        }
    }
    (void) err_set(err, ERR_CONFIG, "unknown command \"%s\"", name);
    hint_commands(err);
    return -ERR_CONFIG;
}

/* "--etl-batch-size" and "--etl-batch-size=5" name ETL_BATCH_SIZE: writes that name, bounded by `size`. */
static bool setting_name(char *out, size_t size, const char *flag, size_t length)
{
    if (length == 0 || length >= size) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        out[i] = flag[i] == '-' ? '_' : (char) toupper((unsigned char) flag[i]);
    }
    out[length] = '\0';
    for (size_t i = 0; config_flag(i) != NULL; i++) {
        if (strcmp(config_flag(i)->name, out) == 0) {
            return true;
        }
    }
    return false;
}

#define FLAG_NAME_SIZE      48
#define INTERVAL_DEFAULT_MS 1000
#define INTERVAL_MIN_MS     100
#define INTERVAL_MAX_MS     3600000

static bool is_flag(const char *flag, size_t length, const char *name)
{
    return length == strlen(name) && strncmp(flag, name, length) == 0;
}

/* True for a flag of status that takes no value. */
static bool take_switch(struct command_line *line, const char *flag)
{
    bool is_json = strcmp(flag, "json") == 0;
    bool is_watch = strcmp(flag, "watch") == 0;
    line->json = line->json || is_json;
    line->watch = line->watch || is_watch;
    return is_json || is_watch;
}

static int take_interval(struct command_line *line, const char *value, struct err *err)
{
    if (!config_value_duration(value, INTERVAL_MIN_MS, INTERVAL_MAX_MS, &line->interval_ms)) {
        return err_set(err, ERR_CONFIG, "--interval is \"%s\", it must be a duration from 100ms to 60m", value);
    }
    line->watch = true;
    return 0;
}

/* Takes the flag at argv[*index] and its value, which may be the next argument. */
static int parse_flag(struct command_line *line, int argc, char **argv, int *index, struct err *err)
{
    const char *flag = argv[*index] + 2;
    const char *equals = strchr(flag, '=');
    size_t length = equals == NULL ? strlen(flag) : (size_t) (equals - flag);
    bool is_config = is_flag(flag, length, "config");
    bool is_env_file = is_flag(flag, length, "env-file");
    bool is_interval = is_flag(flag, length, "interval");
    char *name = line->names + line->flag_count * FLAG_NAME_SIZE;
    if (take_switch(line, flag)) {
        return 0;
    }
    if (!is_config && !is_env_file && !is_interval && !setting_name(name, FLAG_NAME_SIZE, flag, length)) {
        (void) err_set(err, ERR_CONFIG, "unknown flag \"--%.*s\"", (int) length, flag);
        err_hint(err,
                 "digitalism --help lists the flags; secrets have none, because arguments are visible to everybody");
        return -ERR_CONFIG;
    }
    if (equals == NULL && *index + 1 >= argc) {
        return err_set(err, ERR_CONFIG, "the flag --%s needs a value", flag);
    }
    const char *value = equals != NULL ? equals + 1 : argv[++*index];
    if (is_interval) {
        return take_interval(line, value, err);
    }
    if (is_config) {
        line->ini_path = value;
    } else if (is_env_file) {
        line->dotenv_path = value;
    } else {
        line->flags[line->flag_count++] = (struct config_flag){.name = name, .value = value};
    }
    return 0;
}

static int check_operands(const struct command_line *line, struct err *err)
{
    const char *name = commands[line->command].name;
    if (line->command != COMMAND_STATUS && (line->json || line->watch)) {
        return err_set(err, ERR_CONFIG, "the flag --%s belongs to the command status, not to %s",
                       line->json ? "json" : "watch", name);
    }
    if (commands[line->command].operands == NULL && line->operand_count > 0) {
        (void) err_set(err, ERR_CONFIG, "the command %s takes no operand, \"%s\" was given", name, line->operands[0]);
        err_hint(err, "see digitalism %s --help", name);
        return -ERR_CONFIG;
    }
    if (commands[line->command].has_action && line->operand_count > 0 && strcmp(line->operands[0], "up") != 0) {
        return err_set(err, ERR_CONFIG, "unknown action \"%s\" of the command %s; there is: up", line->operands[0],
                       name);
    }
    if (commands[line->command].has_action && line->operand_count > 1) {
        (void) err_set(err, ERR_CONFIG, "the command %s takes one action, \"%s\" was given too", name,
                       line->operands[1]);
        err_hint(err, "see digitalism %s --help", name);
        return -ERR_CONFIG;
    }
    return 0;
}

/* `init` is about another program, so nothing behind it is ours to read. */
static int take_init(struct command_line *line, const char **operands, int first, int argc, char **argv,
                     struct err *err)
{
    line->command = COMMAND_INIT;
    line->has_command = true;
    for (int i = first; i < argc; i++) {
        operands[line->operand_count++] = argv[i];
    }
    if (line->flag_count > 0 || line->ini_path != NULL || line->dotenv_path != NULL || line->json || line->watch) {
        return err_set(err, ERR_CONFIG, "the command init takes no settings; its own options stand behind it");
    }
    return 0;
}

static int parse_arguments(struct command_line *line, const char **operands, int argc, char **argv, struct err *err)
{
    bool flags_ended = false;
    if (argc > 0 && supervise_init_is_name(argv[0])) {
        return take_init(line, operands, 0, argc, argv, err);
    }
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        int failure = 0;
        if (!flags_ended && strcmp(argument, "--") == 0) {
            flags_ended = true;
        } else if (!flags_ended && (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)) {
            line->help = true;
        } else if (!flags_ended && (strcmp(argument, "--version") == 0 || strcmp(argument, "-V") == 0)) {
            line->version = true;
        } else if (!flags_ended && strncmp(argument, "--", 2) == 0) {
            failure = parse_flag(line, argc, argv, &i, err);
        } else if (!flags_ended && argument[0] == '-' && argument[1] != '\0') {
            failure = err_set(err, ERR_CONFIG, "unknown flag \"%s\"; see digitalism --help", argument);
        } else if (!line->has_command) {
            failure = find_command(&line->command, argument, err);
            line->has_command = true;
            if (failure == 0 && line->command == COMMAND_INIT) {
                return take_init(line, operands, i, argc, argv, err);
            }
        } else {
            operands[line->operand_count++] = argument;
        }
        if (failure < 0) {
            return failure;
        }
    }
    return line->help || line->version ? 0 : check_operands(line, err);
}

int command_line_parse(struct command_line *out, int argc, char **argv, struct err *err)
{
    size_t arguments_max = argc > 0 ? (size_t) argc : 1;
    const char **operands = calloc(arguments_max + 1, sizeof(*operands)); /* ended by NULL */
    struct command_line line = {.interval_ms = INTERVAL_DEFAULT_MS,
                                .flags = calloc(arguments_max, sizeof(*line.flags)),
                                .names = calloc(arguments_max, FLAG_NAME_SIZE),
                                .operands = operands};
    int failure = 0;
    if (operands == NULL || line.flags == NULL || line.names == NULL) {
        failure = err_set(err, ERR_INTERNAL, "no memory for the command line");
    } else {
        failure = parse_arguments(&line, operands, argc, argv, err);
    }
    if (failure < 0) {
        command_line_done(&line);
        return failure;
    }
    *out = line;
    return 0;
}

void command_line_done(struct command_line *line)
{
    free((void *) line->operands);
    free(line->flags);
    free(line->names);
    *line = (struct command_line){.flags = NULL};
}

static void help_status(struct buffer *out)
{
    buffer_append_text(out, "\nFlags of status:\n"
                            "  --json                     the status as one line of JSON\n"
                            "  --watch                    again and again, until Ctrl-C\n"
                            "  --interval DURATION        the same, so often (default: 1s)\n");
}

static void help_flags(struct buffer *out)
{
    buffer_append_text(
        out, "\nFlags:\n"
             "  --config FILE              INI file with settings (default: ./digitalism.ini if it exists)\n"
             "  --env-file FILE            file with NAME=value lines (default: ./.env if it exists)\n"
             "  --help, --version\n"
             "\nEach setting is an environment variable, a name in those files, or a flag. Flags win over the\n"
             "environment, which wins over .env, then the INI file, then the default:\n");
    for (size_t i = 0; config_flag(i) != NULL; i++) {
        const struct config_flag_help *flag = config_flag(i);
        char name[FLAG_NAME_SIZE] = "--";
        for (size_t j = 0; flag->name[j] != '\0' && j + 3 < sizeof(name); j++) {
            name[j + 2] = flag->name[j] == '_' ? '-' : (char) tolower((unsigned char) flag->name[j]);
        }
        buffer_append_format(out, "  %-26s %s (default: %s)\n", name, flag->summary, flag->default_text);
    }
    buffer_append_text(
        out,
        "\nSecrets have no flag. DATABASE_URL (required) and DATABASE_PASSWORD come from the environment or a\n"
        "file; DATABASE_URL_FILE, DATABASE_USER_FILE and DATABASE_PASSWORD_FILE name files that hold the value.\n");
}

void command_line_help(struct buffer *out, const struct command_line *line)
{
    if (line->has_command) {
        const char *operands = commands[line->command].operands;
        buffer_append_format(out, "Usage: digitalism %s%s%s%s\n\n%s: %s\n", command_name(line->command),
                             operands == NULL ? "" : " ", operands == NULL ? "" : operands,
                             line->command == COMMAND_INIT ? "" : " [--SETTING VALUE...]", command_name(line->command),
                             commands[line->command].summary);
        if (line->command == COMMAND_INIT) {
            return;
        }
    } else {
        buffer_append_text(out, "Usage: digitalism [COMMAND] [--SETTING VALUE...]\n\nCommands:\n");
        for (size_t i = 0; i < COMMAND_COUNT; i++) {
            buffer_append_format(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
        }
    }
    if (line->has_command && line->command == COMMAND_STATUS) {
        help_status(out);
    }
    help_flags(out);
    buffer_append_text(
        out, "\nExit codes: 0 done or stopped by request; 1 internal error; 2 usage or configuration; 3 PostgreSQL\n"
             "not available or login refused; 4 migration; 5 loading; 6 cannot listen, or workers fail;\n"
             "128+N a stage was interrupted by signal N.\n");
}
