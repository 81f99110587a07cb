/* Marks in comments, line by line.
 * Not here: SQL, but for seeing whether there is any (lexer.c). */
#include "migrate/sections.h"

#include <string.h>
#include <strings.h>

#include "migrate/lexer.h"

enum tool { TOOL_NONE, TOOL_GOOSE, TOOL_DBMATE };

/* A line that is nothing but a comment: what stands behind its dashes. */
struct comment {
    const char *text;
    size_t length;
};

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

static struct comment trim(struct comment comment)
{
    while (comment.length > 0 && is_blank(comment.text[0])) {
        comment.text += 1;
        comment.length -= 1;
    }
    while (comment.length > 0 && is_blank(comment.text[comment.length - 1])) {
        comment.length -= 1;
    }
    return comment;
}

static bool read_comment(struct comment *out, const char *line, size_t length)
{
    struct comment comment = trim((struct comment){.text = line, .length = length});
    if (comment.length < 2 || memcmp(comment.text, "--", 2) != 0) {
        return false;
    }
    *out = trim((struct comment){.text = comment.text + 2, .length = comment.length - 2});
    return true;
}

/* Takes a word off the front, in any case; it must end there. */
static bool take(struct comment *comment, const char *word)
{
    size_t length = strlen(word);
    if (comment->length < length || strncasecmp(comment->text, word, length) != 0 ||
        (comment->length > length && !is_blank(comment->text[length]))) {
        return false;
    }
    *comment = trim((struct comment){.text = comment->text + length, .length = comment->length - length});
    return true;
}

struct reading {
    struct migrate_sections *out;
    enum tool tool;
    struct migrate_part *open; /* the section that the present line belongs to */
    bool no_transaction;       /* goose says it for the file */
};

static int open_section(struct reading *reading, enum tool tool, struct migrate_part *part, size_t line_start,
                        size_t line_end, struct err *err)
{
    if (reading->tool != TOOL_NONE && reading->tool != tool) {
        return err_set(err, ERR_MIGRATION, "the marks of goose and of dbmate in one file");
    }
    if (part->exists) {
        return err_set(err, ERR_MIGRATION, "this section is there a second time");
    }
    if (reading->open != NULL) {
        reading->open->end = line_start;
    }
    reading->tool = tool;
    reading->open = part;
    part->exists = true;
    part->start = line_end;
    return 0;
}

static int read_goose(struct reading *reading, struct comment rest, size_t line_start, size_t line_end, struct err *err)
{
    const struct comment whole = rest;
    if (take(&rest, "up") && rest.length == 0) {
        return open_section(reading, TOOL_GOOSE, &reading->out->up, line_start, line_end, err);
    }
    if (take(&rest, "down") && rest.length == 0) {
        return open_section(reading, TOOL_GOOSE, &reading->out->down, line_start, line_end, err);
    }
    if (take(&rest, "no") && take(&rest, "transaction")) {
        reading->no_transaction = true;
        return 0;
    }
    if (take(&rest, "statementbegin") || take(&rest, "statementend")) {
        return 0; /* where statements end is seen without them */
    }
    if (take(&rest, "envsub")) {
        if (take(&rest, "off")) {
            return 0;
        }
        (void) err_set(err, ERR_MIGRATION, "variables of the environment are not put into migrations");
        err_hint(err, "write the values into the file, and take the ENVSUB mark out");
        return -(int) ERR_MIGRATION;
    }
    (void) err_set(err, ERR_MIGRATION, "\"+goose %.*s\" is not known", (int) whole.length, whole.text);
    err_hint(err, "there are +goose Up, Down, StatementBegin, StatementEnd and NO TRANSACTION");
    return -(int) ERR_MIGRATION;
}

static int read_dbmate(struct reading *reading, struct migrate_part *part, struct comment rest, size_t line_start,
                       size_t line_end, struct err *err)
{
    while (rest.length > 0) {
        if (take(&rest, "transaction:false")) {
            part->no_transaction = true;
        } else if (!take(&rest, "transaction:true")) {
            (void) err_set(err, ERR_MIGRATION, "the option \"%.*s\" is not known", (int) rest.length, rest.text);
            err_hint(err, "there is transaction:false");
            return -(int) ERR_MIGRATION;
        }
    }
    return open_section(reading, TOOL_DBMATE, part, line_start, line_end, err);
}

static int read_line(struct reading *reading, struct comment comment, size_t line_start, size_t line_end,
                     struct err *err)
{
    if (take(&comment, "+goose")) {
        return read_goose(reading, comment, line_start, line_end, err);
    }
    if (take(&comment, "migrate:up")) {
        return read_dbmate(reading, &reading->out->up, comment, line_start, line_end, err);
    }
    if (take(&comment, "migrate:down")) {
        return read_dbmate(reading, &reading->out->down, comment, line_start, line_end, err);
    }
    return 0;
}

static size_t first_token(const char *text, size_t length)
{
    struct migrate_lexer lexer = {.text = text, .length = length, .at = 0};
    struct migrate_token token;
    return migrate_lexer_next(&lexer, &token) ? token.start : length;
}

struct migrate_part migrate_sections_whole(const char *text, size_t length)
{
    struct migrate_part part = {.exists = true, .start = 0, .end = length};
    size_t top = first_token(text, length);
    for (size_t at = 0; at < top;) {
        const char *newline = memchr(text + at, '\n', top - at);
        size_t end = newline == NULL ? top : (size_t) (newline - text);
        struct comment comment;
        if (read_comment(&comment, text + at, end - at) && take(&comment, "no-transaction")) {
            part.no_transaction = true;
        }
        at = end + 1;
    }
    return part;
}

/* What the two parts have in common, and what must hold of both. */
static int finish(struct reading *reading, const char *text, size_t length, size_t *offset, struct err *err)
{
    struct migrate_sections *out = reading->out;
    if (reading->tool == TOOL_NONE) {
        out->up = migrate_sections_whole(text, length);
        out->up.no_transaction |= reading->no_transaction;
        return 0;
    }
    reading->open->end = length;
    if (!out->up.exists) {
        *offset = 0;
        return err_set(err, ERR_MIGRATION, "there is a section that undoes, but none to apply");
    }
    size_t first = out->down.exists && out->down.start < out->up.start ? out->down.start : out->up.start;
    *offset = first_token(text, first);
    if (*offset < first) {
        return err_set(err, ERR_MIGRATION, "SQL before the first section");
    }
    if (reading->no_transaction || migrate_sections_whole(text, first).no_transaction) {
        out->up.no_transaction = true;
        out->down.no_transaction = true;
    }
    return 0;
}

int migrate_sections_find(struct migrate_sections *out, const char *text, size_t length, size_t *offset,
                          struct err *err)
{
    struct migrate_sections found = {.up = {.exists = false}};
    struct reading reading = {.out = &found};
    for (size_t at = 0; at < length;) {
        const char *newline = memchr(text + at, '\n', length - at);
        size_t end = newline == NULL ? length : (size_t) (newline - text);
        size_t next = newline == NULL ? length : end + 1;
        struct comment comment;
        if (read_comment(&comment, text + at, end - at)) {
            int failure = read_line(&reading, comment, at, next, err);
            if (failure != 0) {
                *offset = at;
                return failure;
            }
        }
        at = next;
    }
    int failure = finish(&reading, text, length, offset, err);
    if (failure == 0) {
        *out = found;
    }
    return failure;
}
