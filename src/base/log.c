/* Making log lines and writing each with one write(2), without ever waiting for a reader.
 * Not here: what is worth a line. */
#include "digitalism/base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/clock.h"

const char *const log_level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug", [LOG_LEVEL_INFO] = "info", [LOG_LEVEL_WARN] = "warn", [LOG_LEVEL_ERROR] = "error"};
static_assert(sizeof(log_level_names) / sizeof(log_level_names[0]) == LOG_LEVEL_COUNT, "every level has a name");
const char *const log_format_names[] = {[LOG_FORMAT_TEXT] = "text", [LOG_FORMAT_JSON] = "json"};
static_assert(sizeof(log_format_names) / sizeof(log_format_names[0]) == LOG_FORMAT_COUNT, "every format has a name");

static const char *const text_levels[LOG_LEVEL_COUNT] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
static const char *const colours[LOG_LEVEL_COUNT] = {"\033[90m", "\033[32m", "\033[33m", "\033[31m"};

/* The logger is one of the two mutable globals of the program: every layer above base logs, and handing it through each
 * call would say nothing. */
static struct {
    int fd;
    bool owns_fd;      /* opened by log_open, closed by the next one */
    bool nonblocking;  /* a write that would wait fails with EAGAIN by itself */
    bool never_blocks; /* a regular file */
    bool colour;
    enum log_level level;
    enum log_format format;
    char role[32];
    char path[PATH_MAX]; /* of a file that can be opened anew, else "" */
    uint64_t dropped;
    uint64_t dropped_told; /* of them, those that a later line has spoken of */
} logger = {.fd = STDERR_FILENO, .level = LOG_LEVEL_INFO, .format = LOG_FORMAT_TEXT, .role = "digitalism"};

#define TERMINAL_PATIENCE_MS 20 /* a terminal holds little, and is full for a moment when several processes write */

static bool write_whole(const char *line, size_t length)
{
    if (!logger.nonblocking && !logger.never_blocks) {
        struct pollfd poll_fd = {.fd = logger.fd, .events = POLLOUT};
        /* A reader that has let us drop a line is not waited for again until it reads. */
        int patience_ms = logger.dropped == logger.dropped_told ? TERMINAL_PATIENCE_MS : 0;
        if (poll(&poll_fd, 1, patience_ms) != 1 || (poll_fd.revents & POLLOUT) == 0) {
            return false;
        }
    }
    ssize_t written;
    do {
        written = write(logger.fd, line, length);
    } while (written < 0 && errno == EINTR);
    return written == (ssize_t) length;
}

static void append_clean(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char) *text;
        if (byte == '\n') {
            buffer_append_text(out, "\\n");
        } else if (byte == '\t' || (byte >= 0x20 && byte != 0x7F)) {
            buffer_append_char(out, (char) byte);
        } else {
            buffer_append_format(out, "\\x%02x", byte);
        }
    }
}

static void make_text(struct buffer *out, enum log_level level, const char *message)
{
    char time_text[CLOCK_UTC_SIZE];
    (void) clock_format_utc(time_text, 3);
    size_t start = out->length;
    if (logger.colour) {
        buffer_append_format(out, "%s %s%s\033[0m %s: ", time_text, colours[level], text_levels[level], logger.role);
    } else {
        buffer_append_format(out, "%s %s %s: ", time_text, text_levels[level], logger.role);
    }
    append_clean(out, message);
    if (out->length - start > LOG_LINE_BYTES_MAX - 1) {
        out->length = start + utf8_cut(out->data + start, LOG_LINE_BYTES_MAX - 4);
        buffer_append_text(out, "...");
    }
    buffer_append_char(out, '\n');
}

/* A JSON string of at most `bytes_max` bytes of the text, with an ellipsis where it was cut. */
static void append_json_cut(struct buffer *out, const char *text, size_t bytes_max)
{
    size_t length = strnlen(text, bytes_max);
    if (text[length] == '\0') {
        buffer_append_json_string(out, text, length);
        return;
    }
    buffer_append_json_string(out, text, utf8_cut(text, length));
    if (!buffer_failed(out)) {
        out->length -= 1; /* the closing quote */
        buffer_append_text(out, "...\"");
    }
}

static void make_json(struct buffer *out, enum log_level level, const struct log_field *fields, size_t count,
                      const char *message)
{
    char time_text[CLOCK_UTC_SIZE];
    (void) clock_format_utc(time_text, 3);
    size_t start = out->length;
    /* An escape can make a text six times as long, so that the cut is found by trying. */
    for (size_t text_max = LOG_LINE_BYTES_MAX; text_max > 0; text_max /= 2) {
        buffer_append_format(out, "{\"ts\":\"%s\",\"level\":\"%s\",\"pid\":%d,\"role\":\"%s\",\"msg\":", time_text,
                             log_level_names[level], (int) getpid(), logger.role);
        append_json_cut(out, message, text_max);
        for (size_t i = 0; i < count; i++) {
            buffer_append_format(out, ",\"%s\":", fields[i].name);
            if (fields[i].text == NULL) {
                buffer_append_integer(out, fields[i].number);
            } else {
                append_json_cut(out, fields[i].text, text_max);
            }
        }
        buffer_append_text(out, "}\n");
        if (out->length - start <= LOG_LINE_BYTES_MAX) {
            return;
        }
        out->length = start;
    }
}

void log_gather(struct buffer *out, enum log_level level, const struct log_field *fields, size_t count,
                const char *message)
{
    if (logger.format == LOG_FORMAT_JSON) {
        make_json(out, level, fields, count, message);
    } else {
        make_text(out, level, message);
    }
}

static void tell_dropped(void)
{
    uint64_t lines = logger.dropped - logger.dropped_told;
    if (lines > 0) {
        char message[64];
        (void) snprintf(message, sizeof(message), "%llu log lines dropped, continuing", (unsigned long long) lines);
        BUFFER_AUTO line = BUFFER_EMPTY;
        struct log_field field = {.name = "dropped", .number = (int64_t) lines};
        log_gather(&line, LOG_LEVEL_WARN, &field, 1, message);
        if (!buffer_failed(&line) && write_whole(line.data, line.length)) {
            logger.dropped_told = logger.dropped;
        }
    }
}

static void write_lines(const char *lines, size_t length, uint64_t line_count)
{
    tell_dropped();
    if (!write_whole(lines, length)) {
        logger.dropped += line_count;
    }
}

void log_flush(struct buffer *gathered)
{
    int saved_errno = errno;
    size_t start = 0;
    while (start < gathered->length) {
        /* As many whole lines as fit into what a pipe keeps together. */
        size_t end = start;
        uint64_t lines = 0;
        while (end < gathered->length) {
            const char *newline = memchr(gathered->data + end, '\n', gathered->length - end);
            size_t next = newline == NULL ? gathered->length : (size_t) (newline - gathered->data) + 1;
            if (next - start > LOG_LINE_BYTES_MAX && end > start) {
                break;
            }
            end = next;
            lines += 1;
        }
        write_lines(gathered->data + start, end - start, lines);
        start = end;
    }
    buffer_clear(gathered);
    errno = saved_errno;
}

static void log_message(enum log_level level, const struct log_field *fields, size_t count, const char *message)
{
    int saved_errno = errno;
    BUFFER_AUTO line = BUFFER_EMPTY;
    log_gather(&line, level, fields, count, message);
    if (buffer_failed(&line)) {
        logger.dropped += 1;
    } else {
        write_lines(line.data, line.length, 1);
    }
    errno = saved_errno;
}

static void log_vformat(enum log_level level, const struct log_field *fields, size_t count, const char *format,
                        va_list arguments) __attribute__((format(printf, 4, 0)));

static void log_vformat(enum log_level level, const struct log_field *fields, size_t count, const char *format,
                        va_list arguments)
{
    if (log_enabled(level)) {
        int saved_errno = errno;
        char message[LOG_LINE_BYTES_MAX];
        int wanted = vsnprintf(message, sizeof(message), format, arguments);
        if (wanted >= (int) sizeof(message)) {
            message[utf8_cut(message, sizeof(message) - 1)] = '\0';
        }
        errno = saved_errno;
        log_message(level, fields, count, message);
    }
}

int log_enabled(enum log_level level)
{
    return level >= logger.level;
}

#define LOG_FUNCTION(name, level)                                                                                      \
    void name(const char *format, ...)                                                                                 \
    {                                                                                                                  \
        va_list arguments;                                                                                             \
        va_start(arguments, format);                                                                                   \
        log_vformat(level, NULL, 0, format, arguments);                                                                \
        va_end(arguments);                                                                                             \
    }

LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)

void log_fields(enum log_level level, const struct log_field *fields, size_t count, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_vformat(level, fields, count, format, arguments);
    va_end(arguments);
}

void log_lines(enum log_level level, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        log_fields(level, NULL, 0, "%.*s", (int) length, text);
        text += length + (text[length] == '\n');
    }
}

void log_err(enum log_level level, const struct err *err)
{
    struct log_field fields[2];
    size_t count = 0;
    fields[count++] = (struct log_field){.name = "error", .text = err_code_name(err->code)};
    if (err->sqlstate[0] != '\0') {
        fields[count++] = (struct log_field){.name = "sqlstate", .text = err->sqlstate};
    }
    size_t first = strcspn(err->message, "\n");
    if (err->message[first] == '\0' || logger.format == LOG_FORMAT_JSON) {
        log_fields(level, fields, count, "%s%s%s", err->message, err->hint[0] == '\0' ? "" : "; hint: ", err->hint);
        return;
    }
    log_lines(level, err->message);
    if (err->hint[0] != '\0') {
        log_fields(level, fields, count, "hint: %s", err->hint);
    }
}

void log_role(const char *role)
{
    (void) snprintf(logger.role, sizeof(logger.role), "%s", role);
}

int log_descriptor(void)
{
    return logger.fd;
}

uint64_t log_dropped(void)
{
    return logger.dropped;
}

static int open_path(const char *path, struct err *err)
{
    if (strcmp(path, "stdout") == 0) {
        return STDOUT_FILENO;
    }
    if (strcmp(path, "stderr") == 0) {
        return STDERR_FILENO;
    }
    /* A FIFO that nobody reads is refused instead of waited for. */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    return fd >= 0 ? fd : err_set_errno(err, ERR_CONFIG, errno, "cannot open the log file %s", path);
}

/* A pipe that was inherited shares its O_NONBLOCK with others, so it is opened anew for ourselves where that is allowed
 * (it is not when another user made it); else each write asks poll first. */
static void avoid_blocking(void)
{
    struct stat status;
    logger.nonblocking = false;
    logger.never_blocks = fstat(logger.fd, &status) == 0 && S_ISREG(status.st_mode);
    if (logger.never_blocks || !S_ISFIFO(status.st_mode)) {
        return;
    }
    char path[32];
    (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", logger.fd);
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) {
        if (logger.owns_fd) {
            (void) close(logger.fd);
        }
        logger.fd = fd;
        logger.owns_fd = true;
        logger.nonblocking = true;
    }
}

static void take_over(int fd)
{
    if (logger.owns_fd) {
        (void) close(logger.fd);
    }
    logger.fd = fd;
    logger.owns_fd = fd > STDERR_FILENO;
    logger.colour = logger.format == LOG_FORMAT_TEXT && isatty(fd) == 1;
    avoid_blocking();
}

int log_open(const struct log_settings *settings, struct err *err)
{
    int fd = open_path(settings->path, err);
    if (fd < 0) {
        return -(int) ERR_CONFIG;
    }
    logger.level = settings->level;
    logger.format = settings->format;
    bool is_file = fd > STDERR_FILENO;
    /* A path that can be opened is no longer than that. */
    (void) snprintf(logger.path, sizeof(logger.path), "%s", is_file ? settings->path : "");
    take_over(fd);
    return 0;
}

int log_reopen(struct err *err)
{
    if (logger.path[0] == '\0') {
        return 0;
    }
    int fd = open_path(logger.path, err);
    if (fd < 0) {
        return -(int) ERR_CONFIG;
    }
    take_over(fd);
    return 0;
}
