/* From an offset to line, column and the line's text.
 * Not here: which offset it is (script.c, run.c). */
#include "migrate/locate.h"

#include <string.h>

#include "digitalism/base/buffer.h"

#define BEFORE_MAX 60 /* characters of a long line that are shown before the column */

/* Bytes that are not UTF-8 count as one character each. */
static size_t step(const char *text, size_t length)
{
    size_t bytes = utf8_length(text, length);
    return bytes == 0 ? 1 : bytes;
}

static size_t count_characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t at = 0; at < length; at += step(text + at, length - at)) {
        count += 1;
    }
    return count;
}

/* Shows the line from `from` on, which is `hidden` characters behind its beginning. */
static void copy_source(struct migrate_place *place, const char *line, size_t length)
{
    size_t start = 0;
    size_t hidden = 0;
    while (start < length && (line[start] == ' ' || line[start] == '\t') && hidden + 1 < place->column) {
        start += 1;
        hidden += 1;
    }
    for (; place->column > hidden + 1 + BEFORE_MAX && start < length; hidden++) {
        start += step(line + start, length - start);
    }
    while (length > start && (line[length - 1] == '\r' || line[length - 1] == ' ' || line[length - 1] == '\t')) {
        length--;
    }
    size_t used = 0;
    for (size_t shown = 0; start < length && shown < MIGRATE_SOURCE_CHARACTERS_MAX; shown++) {
        size_t bytes = step(line + start, length - start);
        memcpy(place->source + used, line[start] == '\t' ? " " : line + start, bytes);
        used += bytes;
        start += bytes;
    }
    place->source[used] = '\0';
    place->caret = place->column - 1 - hidden;
}

void migrate_locate(struct migrate_place *out, const char *text, size_t length, size_t offset)
{
    *out = (struct migrate_place){.line = 1};
    offset = offset > length ? length : offset;
    size_t line_start = 0;
    for (const char *newline = text; (newline = memchr(text + line_start, '\n', offset - line_start)) != NULL;) {
        line_start = (size_t) (newline - text) + 1;
        out->line += 1;
    }
    const char *end = memchr(text + line_start, '\n', length - line_start);
    size_t line_length = (end == NULL ? length : (size_t) (end - text)) - line_start;
    out->column = count_characters(text + line_start, offset - line_start) + 1;
    copy_source(out, text + line_start, line_length);
}

size_t migrate_offset(const char *text, size_t length, size_t start, size_t position)
{
    size_t at = start;
    for (size_t i = 1; i < position && at < length; i++) {
        at += step(text + at, length - at);
    }
    return at;
}

size_t migrate_line_behind(const char *text, size_t length, size_t offset, size_t lines)
{
    for (; lines > 0; lines--) {
        const char *newline = memchr(text + offset, '\n', length - offset);
        if (newline == NULL) {
            break;
        }
        offset = (size_t) (newline - text) + 1;
    }
    return offset;
}
