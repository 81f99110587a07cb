/* The text for --help.
 * Not here: parsing (command_line.c). */
#include <ctype.h>

#include "command_line.h"

static void help_status(struct buffer *out)
{
    buffer_append_text(out, "\nFlags of status:\n"
                            "  --json                     the status as one line of JSON\n"
                            "  --watch                    again and again, until Ctrl-C\n"
                            "  --interval DURATION        the same, so often (default: 1s)\n");
}

static void help_migrate(struct buffer *out)
{
    buffer_append_text(
        out, "\nActions of migrate (the default is up):\n"
             "  up [--to VERSION]          apply what is not in place yet, at most to that version\n"
             "  status [--json] [--exit-code]   each migration and its state; exit code 1 when some are pending\n"
             "  plan [--to VERSION]        print the SQL that up would run; writes nothing\n"
             "  down [COUNT|--to VERSION]  undo the last one, the last COUNT, or all behind that version\n"
             "  baseline VERSION           note that the database has the migrations up to that version already\n"
             "  validate                   compare files and database; exit code 4 when they do not fit\n"
             "  repair                     accept files that were edited after they were applied\n"
             "  new NAME                   make an empty migration with the next number\n"
             "  --strict, --out-of-order, --allow-newer   short for the settings --migrations-...\n");
}

static void help_etl(struct buffer *out)
{
    buffer_append_text(
        out, "\nA file that was loaded before is not loaded again, and a load that was cut off goes on where it was.\n"
             "  --mode skip|replace        what a row does to one that is there (ETL_DUPLICATE_HANDLING)\n"
             "  --dry-run                  read, check, compare with the database, and write nothing\n"
             "  --force                    load from the beginning, whatever was loaded before\n"
             "  --jobs COUNT               connections that load at the same time (ETL_JOBS)\n"
             "  --json                     print the outcome as one JSON object; the log goes to stderr\n"
             "  runs [--json]              list the loads, newest first\n"
             "  rejects [RUN]              print the rejected records of a load (the newest) as CSV\n"
             "                             (files of these names: ./runs, ./rejects)\n"
             "  --print-records FILE       print the file as it is read, a line of JSON for each record;\n"
             "                             needs no database, and no column that we know\n");
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
        "\nA flag that is true or false may stand alone, and means true.\n"
        "\nSecrets have no flag. DATABASE_URL (required) and DATABASE_PASSWORD come from the environment or a\n"
        "file; DATABASE_URL_FILE, DATABASE_USER_FILE and DATABASE_PASSWORD_FILE name files that hold the value.\n");
}

void command_line_help(struct buffer *out, const struct command_line *line)
{
    if (line->has_command) {
        const char *operands = command_operands(line->command);
        buffer_append_format(out, "Usage: digitalism %s%s%s%s\n\n%s: %s\n", command_name(line->command),
                             operands == NULL ? "" : " ", operands == NULL ? "" : operands,
                             line->command == COMMAND_INIT ? "" : " [--SETTING VALUE...]", command_name(line->command),
                             command_summary(line->command));
        if (line->command == COMMAND_INIT) {
            return;
        }
    } else {
        buffer_append_text(out, "Usage: digitalism [COMMAND] [--SETTING VALUE...]\n\nCommands:\n");
        for (size_t i = 0; i < COMMAND_COUNT; i++) {
            buffer_append_format(out, "  %-9s %s\n", command_name((enum command) i), command_summary((enum command) i));
        }
    }
    if (line->has_command && line->command == COMMAND_STATUS) {
        help_status(out);
    }
    if (line->has_command && line->command == COMMAND_MIGRATE) {
        help_migrate(out);
    }
    if (line->has_command && line->command == COMMAND_ETL) {
        help_etl(out);
    }
    help_flags(out);
    buffer_append_text(
        out, "\nExit codes: 0 done or stopped by request; 1 internal error; 2 usage or configuration; 3 PostgreSQL\n"
             "not available or login refused; 4 migration; 5 loading; 6 cannot listen, or workers fail;\n"
             "128+N a stage was interrupted by signal N.\n");
}
