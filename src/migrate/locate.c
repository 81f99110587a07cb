/* From a character's number to its line and column. Pure.
 * Not here: which character it is (PostgreSQL tells). */
#include <string.h>

#include "migrate/internal.h"

/* Bytes that are not UTF-8 count as one character each. */
static size_t step(const char *text, size_t length)
{
    size_t bytes = utf8_length(text, length);
    return bytes == 0 ? 1 : bytes;
}

static void copy_source(struct migrate_place *place, const char *line, size_t length)
{
    const char *newline = memchr(line, '\n', length);
    size_t end = newline == NULL ? length : (size_t) (newline - line);
    size_t start = strspn(line, " \t");
    start = start > end ? end : start;
    while (end > start && (line[end - 1] == '\r' || line[end - 1] == ' ' || line[end - 1] == '\t')) {
        end--;
    }
    /* Cut between characters. */
    size_t used = 0;
    while (start + used < end && used + step(line + start + used, end - start - used) < sizeof(place->source)) {
        used += step(line + start + used, end - start - used);
    }
    memcpy(place->source, line + start, used);
    place->source[used] = '\0';
}

void migrate_locate(struct migrate_place *out, const char *text, size_t length, size_t position)
{
    *out = (struct migrate_place){.line = 0};
    if (position == 0) {
        return;
    }
    size_t line_start = 0;
    size_t line = 1;
    size_t column = 1;
    size_t at = 0;
    for (size_t i = 1; i < position && at < length; i++) {
        column += 1;
        if (text[at] == '\n') {
            line += 1;
            column = 1;
            line_start = at + 1;
        }
        at += step(text + at, length - at);
    }
    out->line = line;
    out->column = column;
    copy_source(out, text + line_start, length - line_start);
}

size_t migrate_position(const char *text, size_t offset)
{
    size_t position = 1;
    for (size_t at = 0; at < offset; at += step(text + at, offset - at)) {
        position += 1;
    }
    return position;
}
