/* The log of every process: one line, one write. Text or JSON as DESIGN says; never a secret.
 * Not here: the HTTP access log's own buffering. errno is kept by every call. Never call from a signal handler. */
#ifndef DIGITALISM_BASE_LOG_H
#define DIGITALISM_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_COUNT };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON, LOG_FORMAT_COUNT };

/* Lower-case names, for settings: "debug", "json". */
extern const char *const log_level_names[LOG_LEVEL_COUNT];
extern const char *const log_format_names[LOG_FORMAT_COUNT];

#define LOG_LINE_BYTES_MAX 4096 /* PIPE_BUF: what write(2) keeps whole on a pipe; longer lines are cut */

struct log_settings {
    enum log_level level;
    enum log_format format;
    const char *path; /* "stdout", "stderr", or a file that lines are appended to */
};

/* Opens the log. Before the first call lines go to stderr as text. On failure the log stays as it was. */
int log_open(const struct log_settings *settings, struct err *err);

/* Opens the path that log_open() was given anew, for a file that was moved away. On failure, which `err` tells, lines
 * go on to the old file. Does nothing for stdout and stderr. */
int log_reopen(struct err *err);

/* Names this process in every line ("supervisor", "migrate", "worker-1"). Cut at 31 bytes. */
void log_role(const char *role);

int log_enabled(enum log_level level);
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One log line for each line of a text. */
void log_lines(enum log_level level, const char *text);

/* One line for an error: its message, its hint behind "; hint: ", its SQLSTATE as a field in JSON. A message of several
 * lines is as many lines of text, and one object of JSON. */
void log_err(enum log_level level, const struct err *err);

/* A field of a JSON line; in text lines only the message is printed. `text` NULL means `number`. */
struct log_field {
    const char *name;
    const char *text;
    int64_t number;
};
void log_fields(enum log_level level, const struct log_field *fields, size_t count, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Appends one whole line as log_fields() would write it to `out` instead, for callers that gather lines (the access
 * log). Write gathered lines with log_flush(), which keeps lines whole and never blocks. */
struct buffer;
void log_gather(struct buffer *out, enum log_level level, const struct log_field *fields, size_t count,
                const char *message);
void log_flush(struct buffer *gathered);

/* The descriptor that lines are written to, for a process that closes all others. */
int log_descriptor(void);

/* Lines that this process dropped because the log's reader was not reading. */
uint64_t log_dropped(void);

#endif
