/* Reading .env text: KEY=VALUE lines as Docker Compose writes them.
 * Not here: expansion of variables; there is none. */
#include <stdbool.h>
#include <string.h>

#include "config/entries.h"
#include "config/sources.h"

/* What is left of one line. */
struct cursor {
    const char *at;
    const char *end;
};

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && is_blank(*cursor->at)) {
        cursor->at += 1;
    }
}

static bool is_name_character(char character)
{
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') ||
           (character >= '0' && character <= '9') || character == '_' || character == '.' || character == '-';
}

static struct config_text read_name(struct cursor *cursor)
{
    const char *start = cursor->at;
    while (cursor->at < cursor->end && is_name_character(*cursor->at)) {
        cursor->at += 1;
    }
    return (struct config_text){.data = start, .length = (size_t) (cursor->at - start)};
}

/* After the closing quote: nothing, or a comment. */
static const char *check_rest(struct cursor *cursor)
{
    skip_blanks(cursor);
    return cursor->at == cursor->end || *cursor->at == '#' ? NULL : "there is more behind the closing quote";
}

static const char *read_quoted(struct cursor *cursor, struct buffer *value)
{
    char quote = *cursor->at++;
    while (cursor->at < cursor->end) {
        char character = *cursor->at++;
        if (character == quote) {
            return check_rest(cursor);
        }
        bool escape = character == '\\' && quote == '"' && cursor->at < cursor->end;
        if (escape && *cursor->at != '\0' && strchr("n\"\\$", *cursor->at) != NULL) {
            character = *cursor->at++;
            if (character == 'n') {
                character = '\n';
            }
        }
        buffer_append_char(value, character);
    }
    return "the quote is not closed on its line";
}

static const char *read_plain(struct cursor *cursor, struct buffer *value)
{
    const char *end = cursor->at;
    for (; end < cursor->end; end++) {
        /* At least the equals sign stands before it. */
        if (*end == '#' && is_blank(end[-1])) {
            break;
        }
    }
    while (end > cursor->at && is_blank(end[-1])) {
        end -= 1;
    }
    buffer_append(value, cursor->at, (size_t) (end - cursor->at));
    return NULL;
}

/* Returns NULL, or what is wrong with the line; its content is not repeated, for it may be a secret. */
static const char *read_line(struct cursor cursor, struct config_text *name, struct buffer *value)
{
    skip_blanks(&cursor);
    if (cursor.at == cursor.end || *cursor.at == '#') {
        *name = (struct config_text){.data = "", .length = 0};
        return NULL;
    }
    *name = read_name(&cursor);
    if (name->length == 6 && memcmp(name->data, "export", 6) == 0 && cursor.at < cursor.end && is_blank(*cursor.at)) {
        struct cursor behind = cursor;
        skip_blanks(&behind);
        if (behind.at < behind.end && *behind.at != '=') {
            cursor = behind;
            *name = read_name(&cursor);
        }
    }
    skip_blanks(&cursor);
    if (name->length == 0 || cursor.at == cursor.end || *cursor.at != '=') {
        return "not KEY=VALUE or a comment";
    }
    cursor.at += 1;
    skip_blanks(&cursor);
    bool quoted = cursor.at < cursor.end && (*cursor.at == '"' || *cursor.at == '\'');
    return quoted ? read_quoted(&cursor, value) : read_plain(&cursor, value);
}

void config_read_dotenv(struct config_entries *entries, const char *text, size_t length, const char *file,
                        struct config_faults *faults)
{
    static const char byte_order_mark[] = {'\xEF', '\xBB', '\xBF'};
    const char *end = text + length;
    if (length >= sizeof(byte_order_mark) && memcmp(text, byte_order_mark, sizeof(byte_order_mark)) == 0) {
        text += sizeof(byte_order_mark);
    }
    BUFFER_AUTO value = BUFFER_EMPTY;
    BUFFER_AUTO place = BUFFER_EMPTY;
    size_t line = 0;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t) (end - text));
        struct cursor cursor = {.at = text, .end = newline == NULL ? end : newline};
        size_t line_length = (size_t) (cursor.end - cursor.at);
        text = newline == NULL ? end : newline + 1;
        line += 1;
        buffer_clear(&value);
        buffer_clear(&place);
        buffer_append_format(&place, "%s:%zu", file, line);
        struct config_text name = {.data = "", .length = 0};
        const char *wrong = line_length > (size_t) CONFIG_LINE_BYTES_MAX   ? "longer than 16 KiB"
                            : memchr(cursor.at, '\0', line_length) != NULL ? "holds a NUL byte"
                                                                           : read_line(cursor, &name, &value);
        if (buffer_failed(&value) || buffer_failed(&place)) {
            entries->failed = true;
        } else if (wrong != NULL) {
            config_fault(faults, "%s: %s", buffer_text(&place), wrong);
        } else if (name.length > 0) {
            struct config_text text_value = {.data = buffer_text(&value), .length = value.length};
            config_entries_add(entries, CONFIG_SOURCE_DOTENV, name, text_value, buffer_text(&place));
        }
    }
}
