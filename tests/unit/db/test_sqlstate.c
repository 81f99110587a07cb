/* Goal: libpq's texts become one clean line with the right SQLSTATE, and are told apart as transient or lasting.
 * Not here: errors of statements (test_connection.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/internal.h"

static void assert_clean(const char *raw, const char *clean, const char *state)
{
    BUFFER_AUTO out = BUFFER_EMPTY;
    char sqlstate[6] = "xxxxx";
    db_message_clean(&out, sqlstate, raw);
    assert_string_equal(buffer_text(&out), clean);
    assert_string_equal(sqlstate, state);
}

static void test_verbose_login_failure_becomes_one_line(void **state)
{
    (void) state;
    assert_clean(
        "connection to server at \"h\" (127.0.0.1), port 1 failed: FATAL:  28P01: password authentication failed "
        "for user \"u\"\nLOCATION:  auth_failed, auth.c:335\n",
        "connection to server at \"h\" (127.0.0.1), port 1 failed: password authentication failed for user \"u\"",
        "28P01");
}

static void test_severity_in_any_language_is_dropped(void **state)
{
    (void) state;
    assert_clean("x failed: ВАЖНО:  57P03: система баз данных запускается\n",
                 "x failed: система баз данных запускается", "57P03");
    assert_clean("x failed: ÖLÜMCÜL (FATAL):  57P03: başlıyor\n", "x failed: başlıyor", "57P03");
    assert_clean("ÖLÜMCÜL (FATAL):  57P01: kapanıyor\n", "kapanıyor", "57P01");
}

static void test_last_of_several_sqlstates_counts(void **state)
{
    (void) state;
    assert_clean("a failed: FATAL:  28000: one\nb failed: FATAL:  3D000: two\n", "a failed: one; b failed: two",
                 "3D000");
}

static void test_advice_of_libpq_is_dropped(void **state)
{
    (void) state;
    assert_clean("connection to server at \"h\", port 1 failed: Connection refused\n\tIs the server running?\n",
                 "connection to server at \"h\", port 1 failed: Connection refused", "");
}

static void test_texts_that_only_look_like_a_sqlstate_are_kept(void **state)
{
    (void) state;
    assert_clean("a:  28P0: b", "a:  28P0: b", "");
    assert_clean("a:  28p01: b", "a:  28p01: b", "");
    assert_clean("a: 28P01: b", "a: 28P01: b", "");
    assert_clean("a:  28P01", "a:  28P01", "");
    assert_clean("", "", "");
}

static void test_transient_sqlstates(void **state)
{
    (void) state;
    static const char *const transient[] = {"57P01", "57P02", "57P03", "53300", "08000",
                                            "08006", "40001", "40P01", "55P03"};
    static const char *const lasting[] = {"28P01", "28000", "3D000", "42501", "42601", "57014", "XX000", ""};
    for (size_t i = 0; i < sizeof(transient) / sizeof(transient[0]); i++) {
        assert_true(db_sqlstate_transient(transient[i]));
    }
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
        assert_false(db_sqlstate_transient(lasting[i]));
    }
}

static void test_transient_texts(void **state)
{
    (void) state;
    static const char *const transient[] = {
        "connection to server at \"h\" (127.0.0.1), port 1 failed: Connection refused",
        "connection to server on socket \"/x/.s.PGSQL.1\" failed: No such file or directory",
        "connection to server at \"h\", port 1 failed: server closed the connection unexpectedly",
        "connection to server at \"h\", port 1 failed: session is read-only",
        "connection to server at \"h\", port 1 failed: server is in hot standby mode",
        "connection to server at \"h\", port 1 failed: server sent an error response during SSL exchange",
        "could not translate host name \"h\" to address: Name or service not known",
    };
    static const char *const lasting[] = {
        "invalid sslmode value: \"x\"",
        "connection to server at \"h\", port 1 failed: fe_sendauth: no password supplied",
        "connection to server at \"h\", port 1 failed: SSL error: certificate verify failed",
        "connection to server at \"h\", port 1 failed: server does not support SSL, but SSL was required",
        "connection to server at \"h\", port 1 failed: root certificate file \"/x\" does not exist",
        "connection to server at \"h\", port 1 failed: server certificate for \"a\" does not match host name \"h\"",
        "connection to server at \"h\", port 1 failed: SSL error: tlsv1 alert unknown ca",
        "connection to server at \"h\", port 1 failed: SSL error: ssl/tls alert bad certificate",
        "connection to server at \"h\", port 1 failed: SSL error: tlsv13 alert certificate required",
        "connection to server at \"h\", port 1 failed: SSL error: sslv3 alert certificate expired",
        "connection to server at \"h\", port 1 failed: SSL error: sslv3 alert unsupported certificate",
        "connection to server at \"h\", port 1 failed: SSL error: sslv3 alert handshake failure",
        "connection to server at \"h\", port 1 failed: SSL error: tlsv1 alert protocol version",
        "connection to server at \"h\", port 1 failed: SSL error: unsupported protocol; This may indicate that the "
        "server does not support any SSL protocol version between TLSv1.2 and TLSv1.3.",
        "connection to server at \"h\", port 1 failed: host name must be specified for a verified SSL connection",
        "connection to server at \"h\", port 1 failed: GSSAPI encryption required but was impossible",
        "connection to server at \"h\", port 1 failed: server doesn't support GSSAPI encryption, but it was required",
        "connection to server at \"h\", port 1 failed: channel binding required, but SSL not in use",
        "connection to server at \"h\", port 1 failed: authentication method 7 not supported",
        "connection to server at \"h\", port 1 failed: Kerberos 5 authentication not supported",
        "connection to server at \"h\", port 1 failed: none of the server's SASL authentication mechanisms are "
        "supported",
        "connection to server on socket \"/x\" failed: requirepeer specifies \"a\", but actual peer user name is \"b\"",
        "connection to server at \"h\", port 1 failed: invalid integer value \"x\" for connection option "
        "\"keepalives\"",
    };
    for (size_t i = 0; i < sizeof(transient) / sizeof(transient[0]); i++) {
        assert_true(db_message_transient(transient[i]));
    }
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
        assert_false(db_message_transient(lasting[i]));
    }
}

static void assert_redacted(const char *message, const char *expected)
{
    BUFFER_AUTO out = BUFFER_EMPTY;
    db_message_redact(&out, message);
    assert_string_equal(buffer_text(&out), expected);
}

static void test_quoted_tokens_are_hidden_unless_they_name_an_option(void **state)
{
    (void) state;
    assert_redacted("bad: \"s3cret\"", "bad: \"***\"");
    assert_redacted("bad: \"s3\"cr\"et\", so", "bad: \"***\", so");
    assert_redacted("bad: \"s3cret", "bad: \"***\"");
    assert_redacted("bad: \"sslmode\"\nmore", "bad: \"sslmode\"");
    assert_redacted("separator \"=\" in URI query parameter: \"password\"",
                    "separator \"=\" in URI query parameter: \"password\"");
    assert_redacted("separator \"=\" in URI query parameter: \"s3cret\"",
                    "separator \"=\" in URI query parameter: \"***\"");
    assert_redacted("bad", "bad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verbose_login_failure_becomes_one_line),
        cmocka_unit_test(test_severity_in_any_language_is_dropped),
        cmocka_unit_test(test_last_of_several_sqlstates_counts),
        cmocka_unit_test(test_advice_of_libpq_is_dropped),
        cmocka_unit_test(test_texts_that_only_look_like_a_sqlstate_are_kept),
        cmocka_unit_test(test_transient_sqlstates),
        cmocka_unit_test(test_transient_texts),
        cmocka_unit_test(test_quoted_tokens_are_hidden_unless_they_name_an_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
