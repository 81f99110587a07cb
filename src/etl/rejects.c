/* Refused records as log lines and as CSV.
 * Not here: why they were refused (row.c). */
#include "etl/rejects.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digitalism/base/file.h"
#include "digitalism/base/log.h"

#define SHOWN_BYTES_MAX 100 /* of a value in the log */

void reject_append_text(struct buffer *out, const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        size_t step = text[at] == '\0' ? 0 : utf8_length(text + at, length - at);
        if (step == 0) {
            buffer_append_text(out, "\xEF\xBF\xBD");
            at += 1;
        } else {
            buffer_append(out, text + at, step);
            at += step;
        }
    }
}

void rejects_log(uint64_t *count, const struct reject *reject)
{
    *count += 1;
    if (*count > REJECTS_LOGGED_MAX) {
        return;
    }
    /* As a JSON string, so that no value can break or forge a line of the log. */
    BUFFER_AUTO value = BUFFER_EMPTY;
    const char *text = reject->why->value.text;
    size_t length = reject->why->value.length;
    buffer_append_json_string(&value, text, length <= SHOWN_BYTES_MAX ? length : utf8_cut(text, SHOWN_BYTES_MAX));
    log_warn("%s:%" PRIu64 ": record rejected, continuing: %s%s%s", reject->file, reject->line, reject->why->reason,
             length == 0 ? "" : ": ", length == 0 ? "" : buffer_text(&value));
}

void rejects_log_rest(uint64_t count)
{
    if (count > REJECTS_LOGGED_MAX) {
        log_warn("%" PRIu64 " more records rejected; all of them are in the table digitalism_etl_rejects",
                 count - REJECTS_LOGGED_MAX);
    }
}

static void give_up(struct rejects_file *file, const char *verb)
{
    log_warn("cannot %s %s: %s; the rejects are kept in the table digitalism_etl_rejects only, continuing", verb,
             file->path, strerror(errno));
    file_close(&file->fd);
}

void rejects_file_open(struct rejects_file *file, const char *directory, int64_t run)
{
    *file = (struct rejects_file){.fd = -1, .run = run, .pending = BUFFER_EMPTY};
    if (directory == NULL) {
        return;
    }
    if (asprintf(&file->path, "%s/%" PRId64 ".csv", directory, run) < 0) {
        file->path = NULL;
        log_warn("no memory for the rejects file, continuing without it");
        return;
    }
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file->fd < 0) {
        give_up(file, "create");
        return;
    }
    buffer_append_text(&file->pending, "run,file,line,record,column,code,reason,raw\n");
}

/* RFC 4180, section 2: always quoted, quotes doubled. */
static void append_quoted(struct buffer *out, const char *text, size_t length)
{
    BUFFER_AUTO clean = BUFFER_EMPTY;
    reject_append_text(&clean, text, length);
    buffer_append_char(out, '"');
    for (size_t i = 0; i < clean.length; i++) {
        if (clean.data[i] == '"') {
            buffer_append_char(out, '"');
        }
        buffer_append_char(out, clean.data[i]);
    }
    buffer_append_char(out, '"');
}

void rejects_file_append(struct rejects_file *file, const struct reject *reject)
{
    if (file->fd < 0) {
        return;
    }
    struct buffer *out = &file->pending;
    buffer_append_format(out, "%" PRId64 ",", file->run);
    append_quoted(out, reject->file, strlen(reject->file));
    buffer_append_format(out, ",%" PRIu64 ",%" PRIu64 ",%s,%s,", reject->line, reject->record, reject->why->column,
                         reject->why->code);
    append_quoted(out, reject->why->reason, strlen(reject->why->reason));
    buffer_append_char(out, ',');
    append_quoted(out, reject->raw.text, reject->raw.length);
    buffer_append_char(out, '\n');
}

void rejects_file_flush(struct rejects_file *file)
{
    if (file->fd >= 0 && buffer_failed(&file->pending)) {
        errno = ENOMEM;
        give_up(file, "write");
    }
    while (file->fd >= 0 && file->pending.length > 0) {
        ssize_t written = write(file->fd, file->pending.data, file->pending.length);
        if (written >= 0) {
            buffer_consume(&file->pending, (size_t) written);
        } else if (errno != EINTR) {
            give_up(file, "write");
        }
    }
}

void rejects_file_close(struct rejects_file *file)
{
    if (file->fd >= 0 && close(file->fd) < 0) {
        file->fd = -1;
        give_up(file, "write");
    }
    file->fd = -1;
    free(file->path);
    file->path = NULL;
    buffer_done(&file->pending);
}
