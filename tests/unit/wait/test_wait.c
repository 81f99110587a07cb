/* Goal: the wait goes on exactly as long as trying again can help, whatever language the server speaks.
 * The server is a child that plays a script on loopback. Not here: real servers (tests/integration/test_wait.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"
#include "digitalism/wait.h"

struct script {
    int port;
    int listener;
    pid_t pid;
};

/* Binds without listening: connections are refused, and nobody else gets the port. */
static void script_bind(struct script *script)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    *script = (struct script){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(script->listener, (struct sockaddr *) &address, length), 0);
    assert_int_equal(getsockname(script->listener, (struct sockaddr *) &address, &length), 0);
    script->port = ntohs(address.sin_port);
}

/* An ErrorResponse (PostgreSQL manual, 55.7) in French. */
static size_t make_error(char *out, size_t size, const char *sqlstate, const char *text)
{
    char fields[256];
    int length = snprintf(fields, sizeof(fields), "SFATALE%cVFATAL%cC%s%cM%s%cLauth_failed%c%c", 0, 0, sqlstate, 0,
                          text, 0, 0, 0);
    assert_true(length > 0 && (size_t) length + 5 <= size);
    uint32_t wire = htonl((uint32_t) length + 4);
    out[0] = 'E';
    memcpy(out + 1, &wire, 4);
    memcpy(out + 5, fields, (size_t) length);
    return (size_t) length + 5;
}

/* Each connection gets the next of the answers; NULL hangs up without a word. Then the server is deaf. */
static void script_play(struct script *script, const char *const *sqlstates, size_t count)
{
    assert_int_equal(listen(script->listener, 8), 0);
    script->pid = fork();
    assert_true(script->pid >= 0);
    if (script->pid != 0) {
        return;
    }
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < count; i++) {
        char bytes[512];
        int client = accept(script->listener, NULL, NULL);
        if (client < 0 || read(client, bytes, sizeof(bytes)) <= 0) {
            _exit(1);
        }
        if (sqlstates[i] != NULL) {
            size_t length = make_error(bytes, sizeof(bytes), sqlstates[i], "refusé");
            (void) !write(client, bytes, length);
        }
        (void) close(client);
    }
    for (;;) {
        (void) pause();
    }
}

static void script_end(struct script *script)
{
    if (script->pid > 0) {
        assert_int_equal(kill(script->pid, SIGKILL), 0);
        assert_int_equal(waitpid(script->pid, NULL, 0), script->pid);
    }
    (void) close(script->listener);
}

static int wait_on(const struct script *script, int64_t timeout_ms, int stop_fd, struct err *err)
{
    char url[128];
    (void) snprintf(url, sizeof(url), "postgresql://u:s3cret@127.0.0.1:%d/d?sslmode=disable&gssencmode=disable",
                    script->port);
    struct db_target *target = NULL;
    assert_int_equal(db_target_new(&target, url, NULL, NULL, err), 0);
    const struct db_target *const targets[] = {target};
    const struct wait_options options = {
        .targets = targets, .target_count = 1, .timeout_ms = timeout_ms, .stop_fd = stop_fd};
    int result = wait_for_database(&options, err);
    db_target_free(target);
    return result;
}

static void test_lasting_refusal_ends_the_wait_at_once(void **state)
{
    (void) state;
    static const struct {
        const char *sqlstate;
        const char *hint;
    } cases[] = {
        {"28P01", "check DATABASE_USER and DATABASE_PASSWORD, or the user and password in DATABASE_URL"},
        {"28000", "check the user, and whether the server's pg_hba.conf lets it in from here"},
        {"3D000",
         "create the database, or correct its name in DATABASE_URL; with WAIT_FOR_DATABASE=true it is waited for"},
        {"42501", "grant the user CONNECT on the database"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct script script;
        struct err err;
        char expected[256];
        script_bind(&script);
        script_play(&script, &cases[i].sqlstate, 1);
        assert_int_equal(wait_on(&script, 20000, STOP_NONE, &err), -ERR_DATABASE);
        (void) snprintf(
            expected, sizeof(expected),
            "cannot log in to u@127.0.0.1:%d/d: connection to server at \"127.0.0.1\", port %d failed: refusé "
            "(%s)",
            script.port, script.port, cases[i].sqlstate);
        assert_string_equal(err.message, expected);
        assert_string_equal(err.hint, cases[i].hint);
        assert_string_equal(err.sqlstate, cases[i].sqlstate);
        script_end(&script);
    }
}

static void test_passing_refusals_are_waited_out(void **state)
{
    (void) state;
    /* Starting up, full, hung up without a word: only the lasting one behind them ends the wait. */
    static const char *const answers[] = {"57P03", "53300", "08006", NULL, "3D000"};
    struct script script;
    struct err err;
    script_bind(&script);
    script_play(&script, answers, sizeof(answers) / sizeof(answers[0]));
    assert_int_equal(wait_on(&script, 20000, STOP_NONE, &err), -ERR_DATABASE);
    assert_string_equal(err.sqlstate, "3D000");
    script_end(&script);
}

static void test_deadline_tells_the_last_reason(void **state)
{
    (void) state;
    struct script script;
    struct err err;
    char expected[256];
    script_bind(&script);
    assert_int_equal(wait_on(&script, 150, STOP_NONE, &err), -ERR_DATABASE);
    (void) snprintf(
        expected, sizeof(expected),
        "PostgreSQL was not ready within 150 ms: cannot connect to u@127.0.0.1:%d/d: connection to server at "
        "\"127.0.0.1\", port %d failed: Connection refused",
        script.port, script.port);
    assert_string_equal(err.message, expected);
    assert_non_null(strstr(err.hint, "DATABASE_WAIT_TIMEOUT"));
    assert_true(err.transient);
    script_end(&script);
}

static void test_silent_server_does_not_outlast_the_deadline(void **state)
{
    (void) state;
    struct script script;
    struct err err;
    script_bind(&script);
    script_play(&script, NULL, 0);
    assert_int_equal(wait_on(&script, 100, STOP_NONE, &err), -ERR_DATABASE);
    assert_non_null(strstr(err.message, "PostgreSQL was not ready within 100 ms: "));
    assert_non_null(strstr(err.message, "no answer within "));
    script_end(&script);
}

static void test_stop_ends_the_wait(void **state)
{
    (void) state;
    struct script script;
    struct err err;
    script_bind(&script);
    FILE_FD_AUTO stop_fd = eventfd(1, EFD_CLOEXEC);
    assert_int_equal(wait_on(&script, 20000, stop_fd, &err), -ERR_INTERRUPTED);
    script_end(&script);
}

static void test_bad_option_is_not_tried_again(void **state)
{
    (void) state;
    struct db_target *target = NULL;
    struct err err;
    assert_int_equal(db_target_new(&target, "postgresql://u@127.0.0.1:1/d?sslmode=s3cret", NULL, NULL, &err), 0);
    const struct db_target *const targets[] = {target};
    const struct wait_options options = {
        .targets = targets, .target_count = 1, .timeout_ms = 20000, .stop_fd = STOP_NONE};
    assert_int_equal(wait_for_database(&options, &err), -ERR_DATABASE);
    assert_string_equal(err.message, "cannot connect to u@127.0.0.1:1/d: invalid sslmode value: \"s3cret\"");
    assert_string_equal(err.hint, "check the options in DATABASE_URL");
    db_target_free(target);
}

int main(void)
{
    const struct log_settings settings = {.level = LOG_LEVEL_ERROR, .format = LOG_FORMAT_TEXT, .path = "stderr"};
    if (log_open(&settings, NULL) != 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lasting_refusal_ends_the_wait_at_once),
        cmocka_unit_test(test_passing_refusals_are_waited_out),
        cmocka_unit_test(test_deadline_tells_the_last_reason),
        cmocka_unit_test(test_silent_server_does_not_outlast_the_deadline),
        cmocka_unit_test(test_stop_ends_the_wait),
        cmocka_unit_test(test_bad_option_is_not_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
