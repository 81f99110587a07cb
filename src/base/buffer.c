/* The growing string and its JSON escape.
 * Not here: JSON structure (json). */
#include "digitalism/base/buffer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_done(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer) BUFFER_EMPTY;
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

bool buffer_failed(const struct buffer *buffer)
{
    return buffer->failed;
}

char *buffer_reserve(struct buffer *buffer, size_t more)
{
    /* No object may be larger, and far below it sums and doublings stay in range. */
    if (more >= PTRDIFF_MAX - buffer->length) {
        buffer->failed = true;
        return NULL;
    }
    size_t needed = buffer->length + more + 1;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
        while (capacity < needed) {
            capacity *= 2;
        }
        char *data = realloc(buffer->data, capacity);
        if (data == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->length;
}

void buffer_commit(struct buffer *buffer, size_t used_bytes)
{
    assert(buffer->length + used_bytes < buffer->capacity);
    buffer->length += used_bytes;
    buffer->data[buffer->length] = '\0';
}

void buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    char *room = buffer_reserve(buffer, length);
    if (room != NULL) {
        if (length > 0) {
            memcpy(room, data, length);
        }
        buffer_commit(buffer, length);
    }
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(struct buffer *buffer, char character)
{
    buffer_append(buffer, &character, 1);
}

void buffer_append_integer(struct buffer *buffer, int64_t number)
{
    char digits[20];
    size_t used = 0;
    uint64_t rest = number < 0 ? 0 - (uint64_t) number : (uint64_t) number;
    do {
        digits[sizeof(digits) - ++used] = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        digits[sizeof(digits) - ++used] = '-';
    }
    buffer_append(buffer, digits + sizeof(digits) - used, used);
}

void buffer_append_vformat(struct buffer *buffer, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int wanted = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *room = wanted < 0 ? NULL : buffer_reserve(buffer, (size_t) wanted);
    if (room == NULL) {
        buffer->failed = true;
        return;
    }
    (void) vsnprintf(room, (size_t) wanted + 1, format, arguments);
    buffer_commit(buffer, (size_t) wanted);
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    buffer_append_vformat(buffer, format, arguments);
    va_end(arguments);
}

/* How long a character is that begins with this byte; 0 for a byte that begins none. */
static size_t utf8_wanted(unsigned char first)
{
    return first < 0x80                     ? 1
           : first >= 0xC2 && first <= 0xDF ? 2
           : (first & 0xF0) == 0xE0         ? 3
           : first >= 0xF0 && first <= 0xF4 ? 4
                                            : 0;
}

size_t utf8_length(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *) text;
    size_t wanted = length == 0 ? 0 : utf8_wanted(bytes[0]);
    if (wanted <= 1 || wanted > length) {
        return wanted == 1 ? 1 : 0;
    }
    for (size_t i = 1; i < wanted; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
    if ((bytes[0] == 0xE0 && bytes[1] < 0xA0) || (bytes[0] == 0xED && bytes[1] > 0x9F) ||
        (bytes[0] == 0xF0 && bytes[1] < 0x90) || (bytes[0] == 0xF4 && bytes[1] > 0x8F)) {
        return 0;
    }
    return wanted;
}

/* Whether eight bytes are ASCII without NUL. It may deny that of some that are, never the other way round: the byte
 * behind a NUL can look like one. */
static bool plain_word(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof(word));
    return ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_is_text(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        if (length - at >= sizeof(uint64_t) && plain_word(text + at)) {
            at += sizeof(uint64_t);
            continue;
        }
        size_t step = utf8_length(text + at, length - at);
        if (step == 0 || text[at] == '\0') {
            return false;
        }
        at += step;
    }
    return true;
}

size_t utf8_cut(const char *text, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        unsigned char byte = (unsigned char) text[length - back];
        if ((byte & 0xC0) != 0x80) {
            return utf8_wanted(byte) > back ? length - back : length;
        }
    }
    return length;
}

static void append_escaped(struct buffer *buffer, unsigned char byte)
{
    static const char short_escapes[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (byte == '"' || byte == '\\') {
        buffer_append_char(buffer, '\\');
        buffer_append_char(buffer, (char) byte);
    } else if (byte < sizeof(short_escapes) && short_escapes[byte] != '\0') {
        buffer_append_char(buffer, '\\');
        buffer_append_char(buffer, short_escapes[byte]);
    } else {
        buffer_append_format(buffer, "\\u%04x", byte);
    }
}

void buffer_append_json_string(struct buffer *buffer, const char *text, size_t length)
{
    buffer_append_char(buffer, '"');
    size_t plain = 0; /* bytes before i that can be copied as they are */
    size_t i = 0;
    while (i < length) {
        unsigned char byte = (unsigned char) text[i];
        size_t step = byte < 0x80 ? 1 : utf8_length(text + i, length - i);
        if (step > 0 && byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7F) {
            plain += step;
            i += step;
            continue;
        }
        buffer_append(buffer, text + i - plain, plain);
        plain = 0;
        i += 1;
        if (step == 0) {
            buffer_append_text(buffer, "\xEF\xBF\xBD");
        } else {
            append_escaped(buffer, byte);
        }
    }
    buffer_append(buffer, text + length - plain, plain);
    buffer_append_char(buffer, '"');
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    assert(length <= buffer->length);
    if (length > 0) {
        buffer->length -= length;
        memmove(buffer->data, buffer->data + length, buffer->length + 1);
    }
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data == NULL ? "" : buffer->data;
}
