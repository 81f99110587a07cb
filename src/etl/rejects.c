/* Refused records as log lines and as CSV.
 * Not here: why they were refused (row.c). */
#include "etl/rejects.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "digitalism/base/file.h"
#include "digitalism/base/log.h"

#define SHOWN_BYTES_MAX 100 /* of a value in the log */
#define NUMBER_SIZE     24
#define PAGE_ROWS       "1000"

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

void rejects_note(struct rejects_tally *tally, const struct reject *reject)
{
    tally->count += 1;
    tally->noted += 1;
    if (tally->logged == REJECTS_LOGGED_MAX) {
        return;
    }
    tally->logged += 1;
    /* As a JSON string, so that no value can break or forge a line of the log. */
    BUFFER_AUTO value = BUFFER_EMPTY;
    const char *text = reject->why->value.text;
    size_t length = reject->why->value.length;
    buffer_append_json_string(&value, text, length <= SHOWN_BYTES_MAX ? length : utf8_cut(text, SHOWN_BYTES_MAX));
    log_warn("%s:%" PRIu64 ": record rejected, continuing: %s%s%s", reject->file, reject->line, reject->why->reason,
             length == 0 ? "" : ": ", length == 0 ? "" : buffer_text(&value));
}

void rejects_log_rest(const struct rejects_tally *tally, const char *where)
{
    if (tally->noted > tally->logged) {
        log_warn("%" PRIu64 " more records rejected%s", tally->noted - tally->logged, where);
    }
}

/* RFC 4180, section 2: always quoted, quotes doubled. */
static void append_quoted(struct buffer *out, const char *text)
{
    buffer_append_char(out, '"');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"') {
            buffer_append_char(out, '"');
        }
        buffer_append_char(out, *at);
    }
    buffer_append_char(out, '"');
}

static int write_all(int fd, struct buffer *text, struct err *err)
{
    if (buffer_failed(text)) {
        return err_set(err, ERR_INTERNAL, "no memory for the rejects");
    }
    while (text->length > 0) {
        ssize_t written = write(fd, text->data, text->length);
        if (written < 0 && errno != EINTR) {
            return err_set(err, ERR_ETL, "%s", strerror(errno));
        }
        buffer_consume(text, written < 0 ? 0 : (size_t) written);
    }
    return 0;
}

/* One page of rejects, behind the record `after`; *after moves to its last one, and is untouched at the end. */
static int append_page(struct db *db, struct buffer *out, int64_t run, int64_t *after, struct err *err)
{
    enum { FILE_NAME, LINE, RECORD, COLUMN, CODE, REASON, RAW };
    char run_text[NUMBER_SIZE];
    char after_text[NUMBER_SIZE];
    (void) snprintf(run_text, sizeof(run_text), "%" PRId64, run);
    (void) snprintf(after_text, sizeof(after_text), "%" PRId64, *after);
    const struct db_value values[] = {db_text(run_text), db_text(after_text)};
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(db, &result,
                           "SELECT file, line, record, column_name, code, reason, raw FROM digitalism_etl_rejects "
                           "WHERE run_id = $1 AND record > $2 ORDER BY record LIMIT " PAGE_ROWS,
                           values, 2, err);
    for (size_t row = 0; failure == 0 && row < db_result_rows(result); row++) {
        *after = db_result_integer(result, row, RECORD);
        buffer_append_format(out, "%s,", run_text);
        append_quoted(out, db_result_text(result, row, FILE_NAME));
        buffer_append_format(out, ",%s,%s,%s,%s,", db_result_text(result, row, LINE),
                             db_result_text(result, row, RECORD), db_result_text(result, row, COLUMN),
                             db_result_text(result, row, CODE));
        append_quoted(out, db_result_text(result, row, REASON));
        buffer_append_char(out, ',');
        append_quoted(out, db_result_text(result, row, RAW));
        buffer_append_char(out, '\n');
    }
    return failure;
}

int rejects_write(struct db *db, int64_t run, int fd, struct err *err)
{
    BUFFER_AUTO text = BUFFER_EMPTY;
    int64_t after = 0;
    int failure = 0;
    buffer_append_text(&text, "run,file,line,record,column,code,reason,raw\n");
    while (failure == 0 && text.length > 0) {
        failure = write_all(fd, &text, err);
        failure = failure == 0 ? append_page(db, &text, run, &after, err) : failure;
    }
    return failure;
}

static int write_new(struct db *db, int64_t run, const char *path, struct err *err)
{
    FILE_FD_AUTO fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return err_set(err, ERR_ETL, "%s", strerror(errno));
    }
    int failure = rejects_write(db, run, fd, err);
    if (failure == 0 && fsync(fd) != 0) {
        failure = err_set(err, ERR_ETL, "%s", strerror(errno));
    }
    return failure;
}

void rejects_write_file(struct db *db, int64_t run, const char *directory)
{
    struct err err;
    BUFFER_AUTO path = BUFFER_EMPTY;
    BUFFER_AUTO unfinished = BUFFER_EMPTY;
    buffer_append_format(&path, "%s/%" PRId64 ".csv", directory, run);
    /* The same name for all attempts at a run, so that a killed one's is taken over by the next. */
    buffer_append_format(&unfinished, "%s/.%" PRId64 ".csv", directory, run);
    int failure = buffer_failed(&path) || buffer_failed(&unfinished) ? err_set(&err, ERR_INTERNAL, "no memory") : 0;
    failure = failure == 0 ? write_new(db, run, buffer_text(&unfinished), &err) : failure;
    if (failure == 0 && rename(buffer_text(&unfinished), buffer_text(&path)) != 0) {
        failure = err_set(&err, ERR_ETL, "%s", strerror(errno));
    }
    if (failure != 0) {
        (void) unlink(buffer_text(&unfinished));
        log_warn("cannot write %s: %s; the rejects are kept in the table digitalism_etl_rejects only, continuing",
                 buffer_text(&path), err.message);
    }
}
