/* Goal: the options of `digitalism init`, as ours, as tini's and as dumb-init's, and what each refuses.
 * Not here: that they act (tests/integration/test_init.py). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/supervise_init.h"
#include "supervise/init_options.h"

#define ARGUMENTS(...)   ((char *const[]){__VA_ARGS__, NULL})
#define ENVIRONMENT(...) ((char *const[]){__VA_ARGS__, NULL})
static char *const no_environment[] = {NULL};

static struct init_options parsed(char *const *arguments, char *const *environment)
{
    struct init_options options;
    struct err err = {.code = ERR_NONE};
    if (init_options_parse(&options, arguments, environment, &err) < 0) {
        fail_msg("refused: %s", err.message);
    }
    return options;
}

static void assert_refused(char *const *arguments, char *const *environment, const char *message)
{
    struct init_options options = {.verbosity = 77};
    struct err err;
    assert_int_equal(init_options_parse(&options, arguments, environment, &err), -ERR_CONFIG);
    assert_string_equal(err.message, message);
    assert_int_equal(options.verbosity, 77);
}

static void test_plain_is_a_group_with_warnings(void **state)
{
    (void) state;
    struct init_options options = parsed(ARGUMENTS("init", "--", "sh", "-c", "x"), no_environment);
    assert_int_equal(options.style, INIT_PLAIN);
    assert_false(options.session);
    assert_true(options.group && options.end_group && options.suspend);
    assert_false(options.subreaper || options.warn_reaped);
    assert_int_equal(options.verbosity, 1);
    assert_int_equal(options.parent_death_signal, 0);
    assert_string_equal(options.command[0], "sh");
    assert_string_equal(options.command[2], "x");
    assert_null(options.command[3]);
    for (int number = 1; number <= INIT_SIGNAL_MAX; number++) {
        assert_int_equal(options.rewrites[number], number);
    }
    for (int code = 0; code <= INIT_EXIT_CODE_MAX; code++) {
        assert_false(options.is_success[code]);
    }
}

static void test_the_name_selects_the_style(void **state)
{
    (void) state;
    struct init_options tini = parsed(ARGUMENTS("/usr/bin/tini", "true"), no_environment);
    assert_int_equal(tini.style, INIT_TINI);
    assert_string_equal(tini.name, "tini");
    assert_false(tini.session || tini.group || tini.end_group || tini.suspend);
    struct init_options dumb = parsed(ARGUMENTS("dumb-init", "true"), no_environment);
    assert_int_equal(dumb.style, INIT_DUMB);
    assert_true(dumb.session && dumb.group && dumb.end_group && dumb.suspend);
    assert_int_equal(dumb.verbosity, 0);
    assert_true(supervise_init_is_name("tini") && supervise_init_is_name("./dumb-init"));
    assert_false(supervise_init_is_name("/tini/digitalism") || supervise_init_is_name("tini-static"));
}

static void test_environment_of_dumb_init_selects_its_style(void **state)
{
    (void) state;
    struct init_options on = parsed(ARGUMENTS("init", "true"), ENVIRONMENT("A=b", "DUMB_INIT_SETSID=1"));
    assert_int_equal(on.style, INIT_DUMB);
    assert_true(on.session && on.group);
    struct init_options off = parsed(ARGUMENTS("init", "true"), ENVIRONMENT("DUMB_INIT_SETSID=0", "DUMB_INIT_DEBUG=1"));
    assert_int_equal(off.style, INIT_DUMB);
    assert_false(off.session || off.group || off.end_group);
    assert_int_equal(off.verbosity, 3);
    struct init_options empty = parsed(ARGUMENTS("init", "true"), ENVIRONMENT("DUMB_INIT_SETSID=", "DUMB_INIT_DEBUG="));
    assert_true(empty.session);
    assert_int_equal(empty.verbosity, 0);
    struct init_options tini = parsed(ARGUMENTS("tini", "true"), ENVIRONMENT("DUMB_INIT_SETSID=1"));
    assert_int_equal(tini.style, INIT_TINI);
}

static void test_environment_of_tini(void **state)
{
    (void) state;
    struct init_options options = parsed(
        ARGUMENTS("tini", "true"), ENVIRONMENT("TINI_SUBREAPER=", "TINI_VERBOSITY=2", "TINI_KILL_PROCESS_GROUP=1"));
    assert_true(options.subreaper && options.group);
    assert_false(options.end_group);
    assert_int_equal(options.verbosity, 2);
    assert_int_equal(parsed(ARGUMENTS("tini", "true"), ENVIRONMENT("TINI_VERBOSITY=9")).verbosity, 3);
    assert_int_equal(parsed(ARGUMENTS("tini", "-v", "true"), ENVIRONMENT("TINI_VERBOSITY=0")).verbosity, 1);
    assert_refused(ARGUMENTS("tini", "true"), ENVIRONMENT("TINI_VERBOSITY=much"),
                   "TINI_VERBOSITY must be a number, not \"much\"");
}

static void test_options_in_every_form(void **state)
{
    (void) state;
    struct init_options options =
        parsed(ARGUMENTS("tini", "-gsw", "-vv", "-pKILL", "-e", "143", "-e1", "-r15:2", "--rewrite=HUP:SIGQUIT",
                         "--rewrite", "winch:0", "-r", "1:3", "sleep", "-v"),
               no_environment);
    assert_true(options.group && options.subreaper && options.warn_reaped);
    assert_int_equal(options.verbosity, 3);
    assert_int_equal(options.parent_death_signal, SIGKILL);
    assert_true(options.is_success[143] && options.is_success[1]);
    assert_false(options.is_success[0]);
    assert_int_equal(options.rewrites[SIGTERM], SIGINT);
    assert_int_equal(options.rewrites[SIGHUP], SIGQUIT);
    assert_int_equal(options.rewrites[SIGWINCH], 0);
    assert_string_equal(options.command[0], "sleep");
    assert_string_equal(options.command[1], "-v");
}

static void test_single_child_and_session(void **state)
{
    (void) state;
    struct init_options single = parsed(ARGUMENTS("init", "-c", "true"), no_environment);
    assert_false(single.session || single.group || single.end_group);
    assert_false(parsed(ARGUMENTS("dumb-init", "--single-child", "true"), no_environment).session);
    assert_true(parsed(ARGUMENTS("init", "-c", "-g", "true"), no_environment).group);
    struct init_options session = parsed(ARGUMENTS("init", "--setsid", "true"), no_environment);
    assert_true(session.session && session.group);
    assert_refused(ARGUMENTS("init", "--setsid", "-c", "true"), no_environment,
                   "options --single-child and --setsid exclude each other");
}

static void test_job_control_in_a_session(void **state)
{
    (void) state;
    struct init_options options = parsed(ARGUMENTS("dumb-init", "-r", "20:20", "-r", "21:15", "true"), no_environment);
    assert_int_equal(options.rewrites[SIGTSTP], SIGTSTP);
    assert_int_equal(options.rewrites[SIGTTIN], SIGTERM);
    assert_int_equal(options.rewrites[SIGTTOU], SIGSTOP);
    assert_int_equal(parsed(ARGUMENTS("dumb-init", "-c", "true"), no_environment).rewrites[SIGTSTP], SIGTSTP);
}

static void test_where_the_options_end(void **state)
{
    (void) state;
    assert_string_equal(parsed(ARGUMENTS("init", "--", "--", "true"), no_environment).command[0], "--");
    assert_string_equal(parsed(ARGUMENTS("init", "-", "-g"), no_environment).command[0], "-");
    assert_string_equal(parsed(ARGUMENTS("init", "--", "-g"), no_environment).command[0], "-g");
}

static void test_verbose_adds_up_but_for_dumb_init(void **state)
{
    (void) state;
    assert_int_equal(parsed(ARGUMENTS("init", "-v", "true"), no_environment).verbosity, 2);
    assert_int_equal(parsed(ARGUMENTS("init", "-vvvvv", "true"), no_environment).verbosity, 3);
    assert_int_equal(parsed(ARGUMENTS("dumb-init", "--verbose", "true"), no_environment).verbosity, 3);
}

static void test_what_is_shown(void **state)
{
    (void) state;
    static const struct {
        char *flag;
        enum init_show show;
        const char *text; /* which scripts look for */
    } cases[] = {
        {"-h", INIT_SHOW_HELP, "more verbose"},
        {"--help", INIT_SHOW_HELP, "supervision of a valid init process"},
        {"-V", INIT_SHOW_VERSION, "tini version"},
        {"--version", INIT_SHOW_VERSION, "digitalism "},
        {"-l", INIT_SHOW_LICENCE, "none of their code"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct init_options options = parsed(ARGUMENTS("init", cases[i].flag), no_environment);
        BUFFER_AUTO text = BUFFER_EMPTY;
        assert_int_equal(options.show, cases[i].show);
        init_options_show(&text, &options);
        assert_non_null(strstr(buffer_text(&text), cases[i].text));
    }
}

static void test_what_is_refused(void **state)
{
    (void) state;
    static const struct {
        char *const arguments[6];
        const char *message;
    } cases[] = {
        {{"init"}, "no command to run was named"},
        {{"init", "-g", "--"}, "no command to run was named"},
        {{"init", "--yolo", "true"}, "unrecognized option '--yolo'"},
        {{"init", "--setsid=1", "true"}, "option --setsid takes no value"},
        {{"init", "-z", "true"}, "invalid option -- 'z'"},
        {{"init", "-gS", "true"}, "invalid option -- 'S'"},
        {{"init", "-e"}, "option -e needs a value"},
        {{"init", "--rewrite"}, "option --rewrite needs a value"},
        {{"init", "-e", "256", "true"}, "option -e takes an exit code from 0 to 255, not \"256\""},
        {{"init", "-e", "-1", "true"}, "option -e takes an exit code from 0 to 255, not \"-1\""},
        {{"init", "-e", "", "true"}, "option -e takes an exit code from 0 to 255, not \"\""},
        {{"init", "-e", "99999999999999999999", "true"},
         "option -e takes an exit code from 0 to 255, not \"99999999999999999999\""},
        {{"init", "-p", "0", "true"}, "option -p takes a signal such as SIGTERM, not \"0\""},
        {{"init", "-p", "SIG", "true"}, "option -p takes a signal such as SIGTERM, not \"SIG\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused(cases[i].arguments, no_environment, cases[i].message);
    }
}

static void test_refused_rewrites(void **state)
{
    (void) state;
    static char *const values[] = {"",     "herp",  "herp:derp", "15",    "15::12", "15:derp", "0:1",         "1:32",
                                   "32:1", "15:-1", "15: 1",     "TERM:", ":TERM",  "1:2:3",   "SIGSIGTERM:1"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct init_options options;
        struct err err;
        assert_int_equal(init_options_parse(&options, ARGUMENTS("init", "-r", values[i], "true"), no_environment, &err),
                         -ERR_CONFIG);
        assert_non_null(strstr(err.message, "option -r takes FROM:TO"));
    }
}

static void test_exit_codes_of_wrong_options(void **state)
{
    (void) state;
    assert_int_equal(supervise_init_usage_code("init", no_environment), 2);
    assert_int_equal(supervise_init_usage_code("tini", no_environment), 1);
    assert_int_equal(supervise_init_usage_code("init", ENVIRONMENT("DUMB_INIT_SETSID=0")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_is_a_group_with_warnings),
        cmocka_unit_test(test_the_name_selects_the_style),
        cmocka_unit_test(test_environment_of_dumb_init_selects_its_style),
        cmocka_unit_test(test_environment_of_tini),
        cmocka_unit_test(test_options_in_every_form),
        cmocka_unit_test(test_single_child_and_session),
        cmocka_unit_test(test_job_control_in_a_session),
        cmocka_unit_test(test_where_the_options_end),
        cmocka_unit_test(test_verbose_adds_up_but_for_dumb_init),
        cmocka_unit_test(test_what_is_shown),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_refused_rewrites),
        cmocka_unit_test(test_exit_codes_of_wrong_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
