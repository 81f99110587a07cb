/* Places and texts of errors.
 * Not here: what the operator shall do about the migration as a whole (run.c, alone.c). */
#include "migrate/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/lexer.h"
#include "migrate/locate.h"

/* PL/pgSQL's words for a line of a DO block (manual, 43.11): line 1 is where the block's text begins. */
#define BLOCK_CONTEXT "inline_code_block line "

/* Where the text of a DO block begins: behind its opening quote. 0 where there is none. */
static size_t find_block(const char *text, const struct migrate_statement *statement)
{
    struct migrate_lexer lexer = {.text = text, .length = statement->end, .at = statement->start};
    struct migrate_token token;
    bool is_language = false; /* DO LANGUAGE 'plpgsql' names it in quotes */
    while (migrate_lexer_next(&lexer, &token)) {
        const char *start = text + token.start;
        if (is_language) {
            is_language = false;
            continue;
        }
        is_language = migrate_token_is(text, &token, "language");
        if (start[0] == '\'') {
            return token.start + 1;
        }
        if (start[0] == '$' && token.length > 1) {
            const char *end = memchr(start + 1, '$', token.length - 1);
            return end == NULL ? 0 : token.start + (size_t) (end - start) + 1;
        }
    }
    return 0;
}

/* The context begins innermost: a block that was put together inside this one stands before it. */
static const char *find_last(const char *text, const char *word)
{
    const char *last = NULL;
    for (const char *found = text; (found = strstr(found, word)) != NULL; found++) {
        last = found;
    }
    return last;
}

/* Finds the best place that is known. True when it is exact, so that a caret can be shown. */
static bool find_place(size_t *offset, const struct migrate_source *source, const struct migrate_statement *statement,
                       const struct db_diagnosis *diagnosis)
{
    const char *text = buffer_text(&source->text);
    size_t length = source->text.length;
    if (diagnosis->position > 0) {
        *offset = migrate_offset(text, length, statement->start, diagnosis->position);
        return true;
    }
    const char *found = find_last(diagnosis->context, BLOCK_CONTEXT);
    size_t block = found == NULL ? 0 : find_block(text, statement);
    size_t line = block == 0 ? 0 : strtoul(found + strlen(BLOCK_CONTEXT), NULL, 10);
    if (line > 0) {
        *offset = migrate_line_behind(text, length, block, line - 1);
        *offset += strspn(text + *offset, " \t");
        return false;
    }
    if (statement->has_data && sscanf(diagnosis->context, "COPY %*[^,], line %zu", &line) == 1 && line > 0) {
        *offset = migrate_line_behind(text, statement->data_end, statement->data_start, line - 1);
        return false;
    }
    *offset = statement->start;
    return false;
}

static void append_field(struct buffer *out, const char *name, const char *text)
{
    if (text[0] != '\0') {
        buffer_append_format(out, "\n%s: %s", name, text);
    }
}

int migrate_report(struct err *err, const struct migrate_source *source, const struct migrate_statement *statement,
                   const struct db_diagnosis *diagnosis)
{
    const struct err told = *err;
    struct migrate_place place;
    size_t offset = 0;
    bool is_exact = find_place(&offset, source, statement, diagnosis);
    migrate_locate(&place, buffer_text(&source->text), source->text.length, offset);
    BUFFER_AUTO text = BUFFER_EMPTY;
    buffer_append_format(&text, "%s:%zu:%zu: %s (%s)\n  %s", source->path, place.line, place.column, diagnosis->message,
                         told.sqlstate, place.source);
    if (is_exact) {
        buffer_append_format(&text, "\n  %*s^", (int) place.caret, "");
    }
    append_field(&text, "DETAIL", diagnosis->detail);
    append_field(&text, "CONTEXT", diagnosis->context);
    (void) err_set(err, ERR_MIGRATION, "%s", buffer_failed(&text) ? told.message : buffer_text(&text));
    memcpy(err->sqlstate, told.sqlstate, sizeof(err->sqlstate));
    err->transient = told.transient;
    if (diagnosis->hint[0] != '\0') {
        err_hint(err, "%s", diagnosis->hint);
    }
    return -(int) ERR_MIGRATION;
}
