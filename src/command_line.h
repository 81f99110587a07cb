/* The command line: which command, its operands, and settings given as flags.
 * Not here: what a command does (main.c), what a setting may be (config). */
#ifndef COMMAND_LINE_H
#define COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/config.h"
#include "digitalism/migrate.h"

#define FLAG_NAME_SIZE 48 /* of a setting's name as a flag, and its NUL */

enum command {
    COMMAND_API,
    COMMAND_ALL,
    COMMAND_ETL,
    COMMAND_MIGRATE,
    COMMAND_WAIT,
    COMMAND_HEALTH,
    COMMAND_STATUS,
    COMMAND_CONFIG,
    COMMAND_INIT,
    COMMAND_COUNT
};

/* What `etl` does. */
enum etl_action { ETL_LOAD, ETL_RUNS, ETL_REJECTS };

/* Texts point into argv; release the rest with command_line_done(). */
struct command_line {
    enum command command; /* COMMAND_API when none was named */
    bool has_command;
    bool help;
    bool version;
    bool json;                     /* --json, of status, `migrate status`, etl and `etl runs` */
    bool watch;                    /* --watch or --interval, of status */
    int64_t interval_ms;           /* --interval, of status */
    enum migrate_action migration; /* the action of migrate, which is not among the operands */
    bool pending_exit;             /* --exit-code, of `migrate status` */
    const char *to;                /* --to, of migrate's up, down and plan */
    enum etl_action load;          /* the action of etl, which is not among the operands */
    bool dry_run;                  /* --dry-run, of etl */
    bool force;                    /* --force, of etl */
    int64_t etl_run;               /* the operand of `etl rejects`; 0: the newest */
    bool print_records;            /* --print-records, of etl */
    const char *ini_path;          /* --config */
    const char *dotenv_path;       /* --env-file */
    /* Of `init`: all that stands behind it, options included, and before that the name that we were called by. */
    const char *const *operands;
    size_t operand_count;
    const char **operand_memory; /* where the operands are kept */
    struct config_flag *flags;
    size_t flag_count;
    char *names; /* storage of the flags' names */
};

/* -ERR_CONFIG with a hint that lists what is allowed. */
int command_line_parse(struct command_line *out, int argc, char **argv, struct err *err);
void command_line_done(struct command_line *line);

const char *command_name(enum command command);
const char *command_operands(enum command command); /* for the usage line; NULL where there are none */
const char *command_summary(enum command command);

/* The text for --help: of the named command, or of the whole program where none was named. */
void command_line_help(struct buffer *out, const struct command_line *line);

#endif
