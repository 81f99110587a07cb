/* Reading libpq's texts and SQLSTATEs: what may heal by itself, what is fit to be shown. Pure.
 * Not here: filling errors (failure.c). */
#include <string.h>
#include <strings.h>

#include "db/internal.h"

#define SQLSTATE_LENGTH 5

bool db_sqlstate_transient(const char *sqlstate)
{
    static const char *const states[] = {
        "57P01", /* admin_shutdown */
        "57P02", /* crash_shutdown */
        "57P03", /* cannot_connect_now: starting up */
        "53300", /* too_many_connections */
        "40001", /* serialization_failure */
        "40P01", /* deadlock_detected */
        "55P03", /* lock_not_available */
    };
    if (strncmp(sqlstate, "08", 2) == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(sqlstate, states[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool db_message_transient(const char *message)
{
    /* libpq's texts are untranslated as long as nobody calls setlocale(); OpenSSL's always are. */
    static const char *const attempts[] = {"connection to server ", "could not translate host name "};
    static const char *const lasting[] = {
        "no password supplied",
        /* TLS: what we do not trust, and what the server does not (its alerts, as OpenSSL words them). */
        "certificate verify failed",
        "server certificate for ",
        "root certificate",
        "certificate file ",
        "private key file ",
        "alert unknown ca",
        "alert bad certificate",
        "alert certificate ",
        "alert unsupported certificate",
        "alert handshake failure",
        "alert protocol version",
        "does not support any SSL protocol",
        "for a verified SSL connection",
        /* What the URL demands and the server does not have. */
        "does not support SSL",
        "GSSAPI encryption",
        "channel binding",
        "authentication method",
        "authentication mechanisms",
        "authentication not supported",
        "requirepeer specifies",
        /* Options that libpq reads only when it has a socket. */
        "for connection option",
    };
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
        if (strstr(message, lasting[i]) != NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        if (strncmp(message, attempts[i], strlen(attempts[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_sqlstate(const char *text)
{
    for (size_t i = 0; i < SQLSTATE_LENGTH; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        bool upper = text[i] >= 'A' && text[i] <= 'Z';
        if (!digit && !upper) {
            return false;
        }
    }
    return text[SQLSTATE_LENGTH] == ':' && text[SQLSTATE_LENGTH + 1] == ' ';
}

/* Finds ":  28P01: " in a line: that is what stands behind a severity, in whatever language the severity is. */
static const char *find_sqlstate(const char *line, size_t length)
{
    const size_t pattern = 3 + SQLSTATE_LENGTH + 2;
    for (size_t i = 0; i + pattern <= length; i++) {
        if (memcmp(line + i, ":  ", 3) == 0 && is_sqlstate(line + i + 3)) {
            return line + i;
        }
    }
    return NULL;
}

static void append_line(struct buffer *out, char sqlstate[static 6], const char *line, size_t length)
{
    const char *found = find_sqlstate(line, length);
    if (found == NULL) {
        buffer_append(out, line, length);
        return;
    }
    memcpy(sqlstate, found + 3, SQLSTATE_LENGTH);
    sqlstate[SQLSTATE_LENGTH] = '\0';
    /* The severity is what stands before it, several words in some languages, up to where libpq says which host. */
    const char *severity = found;
    while (severity > line && !(severity - line >= 2 && memcmp(severity - 2, ": ", 2) == 0)) {
        severity--;
    }
    const char *rest = found + 3 + SQLSTATE_LENGTH + 2;
    buffer_append(out, line, (size_t) (severity - line));
    buffer_append(out, rest, length - (size_t) (rest - line));
}

void db_message_clean(struct buffer *out, char sqlstate[static 6], const char *message)
{
    sqlstate[0] = '\0';
    size_t start = out->length;
    while (*message != '\0') {
        size_t length = strcspn(message, "\n");
        /* A line that begins with a tab is libpq's advice ("Is the server running on that host …?"). */
        if (length > 0 && message[0] != '\t' && strncmp(message, "LOCATION:  ", 11) != 0) {
            if (out->length > start) {
                buffer_append_text(out, "; ");
            }
            append_line(out, sqlstate, message, length);
        }
        message += length + (message[length] == '\n' ? 1 : 0);
    }
}

static bool is_option_name(const char *text, size_t length)
{
    bool found = false;
    PQconninfoOption *options = PQconndefaults();
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        if (strlen(option->keyword) == length && strncasecmp(option->keyword, text, length) == 0) {
            found = true;
        }
    }
    PQconninfoFree(options);
    return found;
}

void db_message_redact(struct buffer *out, const char *message)
{
    /* libpq quotes the separator itself too, which is no secret. */
    static const char separator[] = "separator \"=\" in URI query parameter: ";
    size_t length = strcspn(message, "\n");
    const char *known = memmem(message, length, separator, strlen(separator));
    const char *from = known == NULL ? message : known + strlen(separator);
    const char *first = memchr(from, '"', length - (size_t) (from - message));
    if (first == NULL) {
        buffer_append(out, message, length);
        return;
    }
    /* Everything between the outermost quotes, because a secret may hold quotes itself. */
    const char *last = memrchr(message, '"', length);
    const char *end = last > first ? last + 1 : message + length;
    buffer_append(out, message, (size_t) (first - message));
    if (last > first && is_option_name(first + 1, (size_t) (last - first) - 1)) {
        buffer_append(out, first, (size_t) (end - first));
    } else {
        buffer_append_text(out, "\"***\"");
    }
    buffer_append(out, end, length - (size_t) (end - message));
}
