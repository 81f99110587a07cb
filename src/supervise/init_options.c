/* Reading the options of `digitalism init`: ours, tini's and dumb-init's.
 * Not here: acting on them (init.c). */
#include "supervise/init_options.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "digitalism/supervise_init.h"

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

bool supervise_init_is_name(const char *path)
{
    return strcmp(name_of(path), "tini") == 0 || strcmp(name_of(path), "dumb-init") == 0;
}

/* NULL where it is not set. */
static const char *variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=') {
            return *environment + length + 1;
        }
    }
    return NULL;
}

enum init_style init_options_style(const char *path, char *const *environment)
{
    if (strcmp(name_of(path), "tini") == 0) {
        return INIT_TINI;
    }
    bool is_dumb = strcmp(name_of(path), "dumb-init") == 0 || variable(environment, "DUMB_INIT_SETSID") != NULL;
    return is_dumb ? INIT_DUMB : INIT_PLAIN;
}

int supervise_init_usage_code(const char *path, char *const *environment)
{
    return init_options_style(path, environment) == INIT_PLAIN ? 2 : 1;
}

/* Digits only, at most `max`. False otherwise. */
static bool parse_number(int *out, const char *text, size_t length, int max)
{
    int number = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || number > max) {
            return false;
        }
        number = number * 10 + (text[i] - '0');
    }
    if (length == 0 || number > max) {
        return false;
    }
    *out = number;
    return true;
}

/* "15", "TERM" or "SIGTERM"; 0 only as a digit. False for what is no signal up to INIT_SIGNAL_MAX. */
static bool parse_signal(int *out, const char *text, size_t length)
{
    if (parse_number(out, text, length, INIT_SIGNAL_MAX)) {
        return true;
    }
    if (length > 3 && strncasecmp(text, "SIG", 3) == 0) {
        text += 3;
        length -= 3;
    }
    for (int number = 1; number <= INIT_SIGNAL_MAX; number++) {
        const char *abbreviation = sigabbrev_np(number);
        if (abbreviation != NULL && strlen(abbreviation) == length && strncasecmp(text, abbreviation, length) == 0) {
            *out = number;
            return true;
        }
    }
    return false;
}

#define NOT_REWRITTEN (-1)

static int take_rewrite(struct init_options *options, const char *value, struct err *err)
{
    const char *colon = strchr(value, ':');
    int from = 0;
    int to = 0;
    if (colon == NULL || !parse_signal(&from, value, (size_t) (colon - value)) || from == 0 ||
        !parse_signal(&to, colon + 1, strlen(colon + 1))) {
        (void) err_set(err, ERR_CONFIG, "option -r takes FROM:TO, two signals from 1 to %d, not \"%s\"",
                       INIT_SIGNAL_MAX, value);
        err_hint(err, "-r TERM:QUIT or -r 15:3 forwards SIGQUIT for SIGTERM, -r 28:0 forwards nothing for SIGWINCH");
        return -ERR_CONFIG;
    }
    options->rewrites[from] = to;
    return 0;
}

static int take_exit_code(struct init_options *options, const char *value, struct err *err)
{
    int code = 0;
    if (!parse_number(&code, value, strlen(value), INIT_EXIT_CODE_MAX)) {
        return err_set(err, ERR_CONFIG, "option -e takes an exit code from 0 to %d, not \"%s\"", INIT_EXIT_CODE_MAX,
                       value);
    }
    options->is_success[code] = true;
    return 0;
}

static int take_parent_death_signal(struct init_options *options, const char *value, struct err *err)
{
    int number = 0;
    if (!parse_signal(&number, value, strlen(value)) || number == 0) {
        return err_set(err, ERR_CONFIG, "option -p takes a signal such as SIGTERM, not \"%s\"", value);
    }
    options->parent_death_signal = number;
    return 0;
}

static void be_verbose(struct init_options *options)
{
    if (options->style == INIT_DUMB) {
        options->verbosity = INIT_VERBOSITY_MAX; /* there it is a switch */
    } else if (options->verbosity < INIT_VERBOSITY_MAX) {
        options->verbosity++;
    }
}

static const struct option {
    const char *name; /* the long form, NULL where there is none */
    char letter;
    int (*take_value)(struct init_options *options, const char *value, struct err *err); /* NULL: it has no value */
} known[] = {
    {.letter = 'c', .name = "single-child"},
    {.letter = 'e', .take_value = take_exit_code},
    {.letter = 'g', .name = "process-group"},
    {.letter = 'h', .name = "help"},
    {.letter = 'l', .name = "licence"},
    {.letter = 'p', .take_value = take_parent_death_signal},
    {.letter = 'r', .name = "rewrite", .take_value = take_rewrite},
    {.letter = 's', .name = "subreaper"},
    {.letter = 'v', .name = "verbose"},
    {.letter = 'V', .name = "version"},
    {.letter = 'w', .name = "warn"},
    {.letter = 'S', .name = "setsid"}, /* of this one there is no short form */
};
#define KNOWN_COUNT (sizeof(known) / sizeof(known[0]))

/* What can only be settled when all options are known. */
struct choices {
    bool single;
    bool group;
    bool session;
};

static void take_switch(struct init_options *options, struct choices *choices, char letter)
{
    switch (letter) {
    case 'c':
        choices->single = true;
        break;
    case 'g':
        choices->group = true;
        break;
    case 'h':
        options->show = INIT_SHOW_HELP;
        break;
    case 'l':
        options->show = INIT_SHOW_LICENCE;
        break;
    case 's':
        options->subreaper = true;
        break;
    case 'S':
        choices->session = true;
        break;
    case 'v':
        be_verbose(options);
        break;
    case 'V':
        options->show = INIT_SHOW_VERSION;
        break;
    default:
        options->warn_reaped = true;
        break;
    }
}

static int no_value(const char *flag, struct err *err)
{
    return err_set(err, ERR_CONFIG, "option %s needs a value", flag);
}

/* One word "--name", "--name=value" or "--name value". */
static int take_long(struct init_options *options, struct choices *choices, char *const **next, struct err *err)
{
    const char *word = *(*next)++;
    const char *equals = strchr(word, '=');
    size_t length = (equals == NULL ? strlen(word) : (size_t) (equals - word)) - 2;
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (known[i].name == NULL || strlen(known[i].name) != length || strncmp(known[i].name, word + 2, length) != 0) {
            continue;
        }
        const char *value = equals == NULL ? NULL : equals + 1;
        if (known[i].take_value == NULL) {
            if (value != NULL) {
                return err_set(err, ERR_CONFIG, "option --%s takes no value", known[i].name);
            }
            take_switch(options, choices, known[i].letter);
            return 0;
        }
        if (value == NULL) {
            value = **next;
            if (value == NULL) {
                return no_value(word, err);
            }
            (*next)++;
        }
        return known[i].take_value(options, value, err);
    }
    return err_set(err, ERR_CONFIG, "unrecognized option '%s'", word);
}

/* One word of letters, "-gvv"; a value is the rest of the word or the next one. */
static int take_short(struct init_options *options, struct choices *choices, char *const **next, struct err *err)
{
    for (const char *at = *(*next)++ + 1; *at != '\0'; at++) {
        size_t i = 0;
        while (i < KNOWN_COUNT && known[i].letter != *at) {
            i++;
        }
        if (i == KNOWN_COUNT || *at == 'S') {
            return err_set(err, ERR_CONFIG, "invalid option -- '%c'", *at);
        }
        if (known[i].take_value == NULL) {
            take_switch(options, choices, *at);
            continue;
        }
        char flag[] = {'-', *at, '\0'};
        const char *value = at[1] != '\0' ? at + 1 : **next;
        if (value == NULL) {
            return no_value(flag, err);
        }
        *next += at[1] != '\0' ? 0 : 1;
        return known[i].take_value(options, value, err);
    }
    return 0;
}

static int take_environment(struct init_options *options, struct choices *choices, char *const *environment,
                            struct err *err)
{
    const char *verbosity = variable(environment, "TINI_VERBOSITY");
    const char *debug = variable(environment, "DUMB_INIT_DEBUG");
    const char *setsid = variable(environment, "DUMB_INIT_SETSID");
    int number = 0;
    if (verbosity != NULL) {
        if (!parse_number(&number, verbosity, strlen(verbosity), INT_MAX / 100)) {
            return err_set(err, ERR_CONFIG, "TINI_VERBOSITY must be a number, not \"%s\"", verbosity);
        }
        options->verbosity = number < INIT_VERBOSITY_MAX ? number : INIT_VERBOSITY_MAX;
    }
    if (debug != NULL && strcmp(debug, "1") == 0) {
        options->verbosity = INIT_VERBOSITY_MAX;
    }
    if (setsid != NULL && strcmp(setsid, "0") == 0) {
        choices->single = options->style == INIT_DUMB;
    }
    options->subreaper = variable(environment, "TINI_SUBREAPER") != NULL;
    choices->group = variable(environment, "TINI_KILL_PROCESS_GROUP") != NULL;
    return 0;
}

static void rewrite_by_default(struct init_options *options, int number, int to)
{
    options->rewrites[number] = options->rewrites[number] == NOT_REWRITTEN ? to : options->rewrites[number];
}

static int settle(struct init_options *options, const struct choices *choices, struct err *err)
{
    if (choices->single && choices->session) {
        return err_set(err, ERR_CONFIG, "options --single-child and --setsid exclude each other");
    }
    options->session = choices->session || (options->style == INIT_DUMB && !choices->single);
    /* An explicit -g beats a -c: it adds the group to what would else be the child alone. */
    options->group = options->session || choices->group || (options->style == INIT_PLAIN && !choices->single);
    options->end_group = options->group && options->style != INIT_TINI;
    options->suspend = options->style != INIT_TINI;
    if (options->session) {
        /* In a session without the shell that could continue it, the kernel discards the stops of job control. */
        rewrite_by_default(options, SIGTSTP, SIGSTOP);
        rewrite_by_default(options, SIGTTIN, SIGSTOP);
        rewrite_by_default(options, SIGTTOU, SIGSTOP);
    }
    for (int number = 1; number <= INIT_SIGNAL_MAX; number++) {
        rewrite_by_default(options, number, number);
    }
    if (options->show == INIT_SHOW_NOTHING && *options->command == NULL) {
        (void) err_set(err, ERR_CONFIG, "no command to run was named");
        err_hint(err, "--help shows the options");
        return -ERR_CONFIG;
    }
    return 0;
}

int init_options_parse(struct init_options *out, char *const *arguments, char *const *environment, struct err *err)
{
    struct init_options options = {.name = name_of(arguments[0]),
                                   .style = init_options_style(arguments[0], environment)};
    struct choices choices = {.single = false};
    options.verbosity = options.style == INIT_DUMB ? 0 : 1;
    for (int number = 0; number <= INIT_SIGNAL_MAX; number++) {
        options.rewrites[number] = NOT_REWRITTEN;
    }
    int failure = take_environment(&options, &choices, environment, err);
    char *const *next = arguments + 1;
    while (failure == 0 && *next != NULL && (*next)[0] == '-' && (*next)[1] != '\0') {
        if (strcmp(*next, "--") == 0) {
            next++;
            break;
        }
        failure =
            (*next)[1] == '-' ? take_long(&options, &choices, &next, err) : take_short(&options, &choices, &next, err);
    }
    options.command = next;
    failure = failure < 0 ? failure : settle(&options, &choices, err);
    if (failure < 0) {
        return failure;
    }
    *out = options;
    return 0;
}

void init_options_show(struct buffer *out, const struct init_options *options)
{
    switch (options->show) {
    case INIT_SHOW_VERSION:
        buffer_append_text(out, "digitalism " DIGITALISM_VERSION
                                " (init; options of tini version 0.19 and dumb-init 1.2)\n");
        break;
    case INIT_SHOW_LICENCE:
        buffer_append_text(
            out, "digitalism's init is a part of digitalism and under the same terms. It takes the options of tini\n"
                 "and dumb-init, and has none of their code.\n");
        break;
    case INIT_SHOW_HELP:
        buffer_append_text(
            out,
            "Usage: digitalism init [OPTION...] [--] COMMAND [ARGUMENT...]\n\n"
            "Puts COMMAND under the supervision of a valid init process, for containers: it is given every signal,\n"
            "orphans are reaped, and its exit code (128+N after signal N) becomes ours.\n\n"
            "  -g, --process-group     signals go to the process group of COMMAND (the default, unless called tini)\n"
            "  -c, --single-child      signals go to COMMAND alone\n"
            "  --setsid                COMMAND leads a session of its own (the default when called dumb-init)\n"
            "  -r, --rewrite FROM:TO   forward signal TO when FROM comes, nothing when TO is 0; repeatable\n"
            "  -e CODE                 exit with 0 when COMMAND exits with CODE; repeatable\n"
            "  -s, --subreaper         get the orphans without being PID 1\n"
            "  -p SIGNAL               get SIGNAL when our parent ends, and forward it\n"
            "  -w, --warn              warn of each orphan that is reaped\n"
            "  -v, --verbose           more verbose on stderr; up to three times (once is all, called dumb-init)\n"
            "  -h, --help; -V, --version; -l, --licence\n\n"
            "A link to digitalism with the name tini or dumb-init behaves like that program. Also read: "
            "TINI_SUBREAPER,\n"
            "TINI_VERBOSITY, TINI_KILL_PROCESS_GROUP, DUMB_INIT_SETSID (set: as dumb-init; 0: as with -c), "
            "DUMB_INIT_DEBUG.\n"
            "Exit codes of our own: 127 COMMAND not found; 126 it cannot be executed; 2 wrong options (1 when called\n"
            "tini or dumb-init).\n");
        break;
    default:
        break;
    }
}
