/* Filling and changing struct err.
 * Not here: printing it. */
#include "digitalism/base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "digitalism/base/buffer.h"

static const char *const code_names[] = {
    [ERR_NONE] = "none",         [ERR_INTERNAL] = "internal",   [ERR_CONFIG] = "config",
    [ERR_DATABASE] = "database", [ERR_MIGRATION] = "migration", [ERR_ETL] = "etl",
    [ERR_LISTEN] = "listen",     [ERR_REMOTE] = "remote",       [ERR_INTERRUPTED] = "interrupted",
};
static_assert(sizeof(code_names) / sizeof(code_names[0]) == ERR_CODE_COUNT, "every code has a name");

/* Ends a text that did not fit with an ellipsis, so that a cut is seen. */
static void mark_cut(char *text, size_t size, int wanted)
{
    if (wanted >= 0 && (size_t) wanted >= size) {
        memcpy(text + utf8_cut(text, size - 4), "...", 4);
    }
}

static void fill(struct err *err, enum err_code code, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void fill(struct err *err, enum err_code code, const char *format, va_list arguments)
{
    char message[sizeof(err->message)];
    /* Through a buffer of our own, because an argument may be the error's present message. */
    int wanted = vsnprintf(message, sizeof(message), format, arguments);
    mark_cut(message, sizeof(message), wanted);
    memset(err, 0, sizeof(*err));
    err->code = code;
    memcpy(err->message, message, sizeof(message));
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
    if (err != NULL) {
        va_list arguments;
        va_start(arguments, format);
        fill(err, code, format, arguments);
        va_end(arguments);
    }
    return -(int) code;
}

int err_set_errno(struct err *err, enum err_code code, int errno_value, const char *format, ...)
{
    if (err != NULL) {
        va_list arguments;
        va_start(arguments, format);
        fill(err, code, format, arguments);
        va_end(arguments);
        size_t used = strlen(err->message);
        int wanted = snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(errno_value));
        mark_cut(err->message, sizeof(err->message), (int) used + wanted);
    }
    return -(int) code;
}

void err_hint(struct err *err, const char *format, ...)
{
    if (err != NULL) {
        va_list arguments;
        va_start(arguments, format);
        int wanted = vsnprintf(err->hint, sizeof(err->hint), format, arguments);
        va_end(arguments);
        mark_cut(err->hint, sizeof(err->hint), wanted);
    }
}

int err_prefix(struct err *err, const char *format, ...)
{
    if (err == NULL) {
        return -(int) ERR_INTERNAL;
    }
    char context[sizeof(err->message)];
    char whole[sizeof(err->message)];
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(context, sizeof(context), format, arguments);
    va_end(arguments);
    /* The cast of the precision is safe: both texts are bounded by the size of the message. */
    int wanted = snprintf(whole, sizeof(whole), "%.*s: %s", (int) sizeof(context) / 2, context, err->message);
    mark_cut(whole, sizeof(whole), wanted);
    memcpy(err->message, whole, sizeof(whole));
    return -(int) err->code;
}

int err_recode(struct err *err, enum err_code code)
{
    if (err != NULL) {
        err->code = code;
    }
    return -(int) code;
}

const char *err_code_name(enum err_code code)
{
    return (unsigned) code < ERR_CODE_COUNT ? code_names[code] : "unknown";
}
