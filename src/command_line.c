/* Parsing the command line.
 * Not here: its help (command_help.c), running commands (main.c). */
#include "command_line.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/supervise_init.h"

/* What is known of each command; `operands` names them in the usage line, NULL where there are none. */
static const struct {
    const char *name;
    const char *operands;
    const char *summary;
} commands[] = {
    [COMMAND_API] = {.name = "api",
                     .summary = "wait, migrate, serve (the default; RUN_ETL_ON_STARTUP=true loads first)"},
    [COMMAND_ALL] = {.name = "all", .summary = "wait, migrate, load, serve; a failed load stops it"},
    [COMMAND_ETL] = {.name = "etl",
                     .operands = "[FILE|DIRECTORY...] | runs | rejects [RUN]",
                     .summary = "wait, migrate, load CSV files (CSV_DATA_PATH if none is named)"},
    [COMMAND_MIGRATE] = {.name = "migrate",
                         .operands = "[ACTION [OPERAND]]",
                         .summary = "wait, then apply the migrations that are not in place yet, or another action"},
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

const char *command_operands(enum command command)
{
    return commands[command].operands;
}

const char *command_summary(enum command command)
{
    return commands[command].summary;
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

#define INTERVAL_DEFAULT_MS 1000
#define INTERVAL_MIN_MS     100
#define INTERVAL_MAX_MS     3600000

/* Short names of settings that are mostly given on the command line. */
static const char *const short_names[][2] = {{"strict", "MIGRATIONS_STRICT"},
                                             {"out-of-order", "MIGRATIONS_OUT_OF_ORDER"},
                                             {"allow-newer", "MIGRATIONS_ALLOW_NEWER"},
                                             {"mode", "ETL_DUPLICATE_HANDLING"},
                                             {"jobs", "ETL_JOBS"}};

static bool is_flag(const char *flag, size_t length, const char *name)
{
    return length == strlen(name) && strncmp(flag, name, length) == 0;
}

/* "--etl-batch-size" and "--etl-batch-size=5" name ETL_BATCH_SIZE: writes that name, bounded by FLAG_NAME_SIZE. NULL
 * where it is no setting. */
static const struct config_flag_help *find_setting(char *out, const char *flag, size_t length)
{
    if (length == 0 || length >= FLAG_NAME_SIZE) {
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        out[i] = flag[i] == '-' ? '_' : (char) toupper((unsigned char) flag[i]);
    }
    out[length] = '\0';
    for (size_t i = 0; i < sizeof(short_names) / sizeof(short_names[0]); i++) {
        if (is_flag(flag, length, short_names[i][0])) {
            (void) snprintf(out, FLAG_NAME_SIZE, "%s", short_names[i][1]);
        }
    }
    for (size_t i = 0; config_flag(i) != NULL; i++) {
        if (strcmp(config_flag(i)->name, out) == 0) {
            return config_flag(i);
        }
    }
    return NULL;
}

/* True for a command's own flag that takes no value. */
static bool take_switch(struct command_line *line, const char *flag)
{
    const struct {
        const char *name;
        bool *is_given;
    } switches[] = {{"json", &line->json},       {"watch", &line->watch}, {"exit-code", &line->pending_exit},
                    {"dry-run", &line->dry_run}, {"force", &line->force}, {"print-records", &line->print_records}};
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        if (strcmp(flag, switches[i].name) == 0) {
            *switches[i].is_given = true;
            return true;
        }
    }
    return false;
}

static int take_interval(struct command_line *line, const char *value, struct err *err)
{
    if (!config_value_duration(value, INTERVAL_MIN_MS, INTERVAL_MAX_MS, &line->interval_ms)) {
        return err_set(err, ERR_CONFIG, "--interval is \"%s\", it must be a duration from 100ms to 60m", value);
    }
    line->watch = true;
    return 0;
}

/* Takes the value of a flag that is no setting. False where there is no such flag. */
static bool take_own(struct command_line *line, const char *flag, size_t length, const char *value, int *failure,
                     struct err *err)
{
    *failure = 0;
    if (is_flag(flag, length, "config")) {
        line->ini_path = value;
    } else if (is_flag(flag, length, "env-file")) {
        line->dotenv_path = value;
    } else if (is_flag(flag, length, "to")) {
        line->to = value;
    } else if (is_flag(flag, length, "interval")) {
        *failure = value == NULL ? 0 : take_interval(line, value, err);
    } else {
        return false;
    }
    return true;
}

static int refuse_flag(const char *flag, size_t length, struct err *err)
{
    (void) err_set(err, ERR_CONFIG, "unknown flag \"--%.*s\"", (int) length, flag);
    err_hint(err, "digitalism --help lists the flags; secrets have none, because arguments are visible to everybody");
    return -ERR_CONFIG;
}

/* Takes the flag at argv[*index] and its value, which may be the next argument. */
static int parse_flag(struct command_line *line, int argc, char **argv, int *index, struct err *err)
{
    const char *flag = argv[*index] + 2;
    const char *equals = strchr(flag, '=');
    size_t length = equals == NULL ? strlen(flag) : (size_t) (equals - flag);
    const char *next = *index + 1 < argc ? argv[*index + 1] : NULL;
    const char *value = equals != NULL ? equals + 1 : next;
    char *name = line->names + line->flag_count * FLAG_NAME_SIZE;
    const struct config_flag_help *setting = find_setting(name, flag, length);
    bool flag_value;
    int failure = 0;
    if (take_switch(line, flag)) {
        return 0;
    }
    bool is_own = take_own(line, flag, length, value, &failure, err);
    if (!is_own && setting == NULL) {
        return refuse_flag(flag, length, err);
    }
    if (setting != NULL && equals == NULL && config_flag_is_switch(setting) &&
        (next == NULL || !config_value_boolean(next, &flag_value))) {
        line->flags[line->flag_count++] = (struct config_flag){.name = name, .value = "true"};
        return 0;
    }
    if (value == NULL) {
        return err_set(err, ERR_CONFIG, "the flag --%s needs a value", flag);
    }
    *index += equals == NULL ? 1 : 0;
    if (setting != NULL) {
        line->flags[line->flag_count++] = (struct config_flag){.name = name, .value = value};
    }
    return failure;
}

/* The operands of migrate's actions: the fewest and the most, and which of its flags each takes. */
static const struct {
    size_t operands_min;
    size_t operands_max;
    const char *operand; /* what it is, for messages */
    bool takes_to;
    bool is_report; /* takes --json and --exit-code */
} actions[] = {
    [MIGRATE_UP] = {.takes_to = true},
    [MIGRATE_STATUS] = {.is_report = true},
    [MIGRATE_PLAN] = {.takes_to = true},
    [MIGRATE_DOWN] = {.operands_max = 1, .operand = "how many to undo", .takes_to = true},
    [MIGRATE_BASELINE] = {.operands_min = 1, .operands_max = 1, .operand = "the version that the database has"},
    [MIGRATE_VALIDATE] = {.operands_max = 0},
    [MIGRATE_REPAIR] = {.operands_max = 0},
    [MIGRATE_NEW] = {.operands_min = 1, .operands_max = 1, .operand = "a name"},
};
static_assert(sizeof(actions) / sizeof(actions[0]) == MIGRATE_ACTION_COUNT, "every action is described");

static int refuse_action(const char *word, struct err *err)
{
    BUFFER_AUTO names = BUFFER_EMPTY;
    for (size_t i = 0; i < MIGRATE_ACTION_COUNT; i++) {
        buffer_append_format(&names, "%s%s", i == 0 ? "" : ", ", migrate_action_names[i]);
    }
    (void) err_set(err, ERR_CONFIG, "unknown action \"%s\" of the command migrate", word);
    err_hint(err, "the actions are %s; see digitalism migrate --help", buffer_text(&names));
    return -ERR_CONFIG;
}

/* The first operand of migrate is its action. */
static int take_action(struct command_line *line, struct err *err)
{
    if (line->operand_count == 0) {
        return 0;
    }
    for (size_t i = 0; i < MIGRATE_ACTION_COUNT; i++) {
        if (strcmp(line->operands[0], migrate_action_names[i]) == 0) {
            line->migration = (enum migrate_action) i;
            line->operands += 1;
            line->operand_count -= 1;
            return 0;
        }
    }
    return refuse_action(line->operands[0], err);
}

static int check_action(const struct command_line *line, struct err *err)
{
    const char *name = migrate_action_names[line->migration];
    size_t most = actions[line->migration].operands_max;
    if (line->operand_count > most) {
        (void) err_set(err, ERR_CONFIG, "migrate %s takes %s, \"%s\" was given too", name,
                       most == 0 ? "no operand" : "one operand", line->operands[most]);
        err_hint(err, "see digitalism migrate --help");
        return -ERR_CONFIG;
    }
    if (line->operand_count < actions[line->migration].operands_min) {
        return err_set(err, ERR_CONFIG, "migrate %s needs an operand: %s", name, actions[line->migration].operand);
    }
    if ((line->json || line->pending_exit) && !actions[line->migration].is_report) {
        return err_set(err, ERR_CONFIG, "the flag --%s belongs to migrate status, not to migrate %s",
                       line->json ? "json" : "exit-code", name);
    }
    if (line->to != NULL && !actions[line->migration].takes_to) {
        return err_set(err, ERR_CONFIG, "the flag --to belongs to migrate's up, down and plan, not to %s", name);
    }
    return 0;
}

static int take_run(struct command_line *line, const char *text, struct err *err)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < 1) {
        (void) err_set(err, ERR_CONFIG, "\"%s\" is not the number of a run", text);
        err_hint(err, "digitalism etl runs lists the runs");
        return -ERR_CONFIG;
    }
    line->etl_run = number;
    return 0;
}

/* The first operand of etl may be an action; a file of such a name is ./runs. */
static int take_load(struct command_line *line, struct err *err)
{
    const char *first = line->operand_count > 0 ? line->operands[0] : "";
    size_t most = 0;
    if (strcmp(first, "runs") == 0) {
        line->load = ETL_RUNS;
    } else if (strcmp(first, "rejects") == 0) {
        line->load = ETL_REJECTS;
        most = 1;
    } else {
        return 0;
    }
    line->operands += 1;
    line->operand_count -= 1;
    if (line->operand_count > most) {
        (void) err_set(err, ERR_CONFIG, "etl %s takes %s, \"%s\" was given too", first,
                       most == 0 ? "no operand" : "the number of one run", line->operands[most]);
        err_hint(err, "a file of that name is loaded as ./%s; see digitalism etl --help", first);
        return -ERR_CONFIG;
    }
    if (line->dry_run || line->force || (line->json && line->load == ETL_REJECTS)) {
        return err_set(err, ERR_CONFIG, "the flag --%s does not belong to etl %s",
                       line->dry_run ? "dry-run"
                       : line->force ? "force"
                                     : "json",
                       first);
    }
    return line->operand_count == 1 ? take_run(line, line->operands[0], err) : 0;
}

/* --print-records is a command of its own in all but its name. */
static int check_print(const struct command_line *line, struct err *err)
{
    if (line->json || line->dry_run || line->force) {
        return err_set(err, ERR_CONFIG, "etl --print-records takes no other flag of etl");
    }
    if (line->operand_count != 1) {
        (void) err_set(err, ERR_CONFIG, "etl --print-records takes one file, %zu were given", line->operand_count);
        err_hint(err, "see digitalism etl --help");
        return -ERR_CONFIG;
    }
    return 0;
}

static int check_operands(struct command_line *line, struct err *err)
{
    const char *name = commands[line->command].name;
    if (line->command == COMMAND_ETL) {
        int failure = line->print_records ? check_print(line, err) : take_load(line, err);
        if (failure < 0) {
            return failure;
        }
    } else if (line->dry_run || line->force || line->print_records) {
        const char *flag = line->dry_run ? "dry-run" : line->force ? "force" : "print-records";
        return err_set(err, ERR_CONFIG, "the flag --%s belongs to the command etl, not to %s", flag, name);
    }
    if (line->command == COMMAND_MIGRATE) {
        int failure = take_action(line, err);
        failure = failure == 0 ? check_action(line, err) : failure;
        if (failure < 0) {
            return failure;
        }
    } else if (line->to != NULL || line->pending_exit) {
        return err_set(err, ERR_CONFIG, "the flag --%s belongs to the command migrate, not to %s",
                       line->to != NULL ? "to" : "exit-code", name);
    } else if (line->json && line->command != COMMAND_STATUS && line->command != COMMAND_ETL) {
        return err_set(err, ERR_CONFIG, "the flag --json belongs to status, etl and migrate status, not to %s", name);
    }
    if (line->watch && line->command != COMMAND_STATUS) {
        return err_set(err, ERR_CONFIG, "the flag --watch belongs to the command status, not to %s", name);
    }
    if (commands[line->command].operands == NULL && line->operand_count > 0) {
        (void) err_set(err, ERR_CONFIG, "the command %s takes no operand, \"%s\" was given", name, line->operands[0]);
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
    if (line->flag_count > 0 || line->ini_path != NULL || line->dotenv_path != NULL || line->json || line->watch ||
        line->print_records) {
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
                                .operands = operands,
                                .operand_memory = operands};
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
    free((void *) line->operand_memory);
    free(line->flags);
    free(line->names);
    *line = (struct command_line){.flags = NULL};
}
