/* Percent-decoding of paths and queries.
 * Not here: which route a path leads to (router.c). */
#include "http/decode.h"

#include <string.h>

#include "digitalism/base/buffer.h"

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* Nothing is changed when an escape is malformed, so that the caller can still use the text as it was. */
static bool escapes_are_sound(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '%') {
            continue;
        }
        if (length - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) {
            return false;
        }
        i += 2;
    }
    return true;
}

int64_t http_percent_decode(char *text, size_t length, bool plus_is_space)
{
    if (!escapes_are_sound(text, length)) {
        return -1;
    }
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char character = text[i];
        if (character == '%') {
            character = (char) (hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else if (character == '+' && plus_is_space) {
            character = ' ';
        }
        text[used++] = character;
    }
    return (int64_t) used;
}

bool decode_is_utf8(const char *text, size_t length)
{
    size_t i = 0;
    while (i < length) {
        size_t bytes = utf8_length(text + i, length - i);
        if (bytes == 0) {
            return false;
        }
        i += bytes;
    }
    return true;
}

/* Copies and decodes one half of a pair, and ends it with a NUL. */
static const char *decode_part(const char *text, size_t length, size_t *decoded_length, char **out)
{
    char *start = *out;
    if (length > 0) {
        memcpy(start, text, length);
    }
    int64_t decoded = http_percent_decode(start, length, true);
    *decoded_length = decoded < 0 ? length : (size_t) decoded;
    start[*decoded_length] = '\0';
    *out = start + *decoded_length + 1;
    return start;
}

bool decode_query_next(struct decode_pair *pair, const char **rest, size_t *rest_length, char **out)
{
    while (*rest_length > 0) {
        const char *text = *rest;
        const char *end = memchr(text, '&', *rest_length);
        size_t length = end == NULL ? *rest_length : (size_t) (end - text);
        size_t taken = end == NULL ? length : length + 1;
        *rest += taken;
        *rest_length -= taken;
        if (length == 0) {
            continue; /* "a=1&&b=2" */
        }
        const char *equals = memchr(text, '=', length);
        size_t name_length = equals == NULL ? length : (size_t) (equals - text);
        size_t value_at = equals == NULL ? length : name_length + 1;
        pair->name = decode_part(text, name_length, &pair->name_length, out);
        pair->value = decode_part(text + value_at, length - value_at, &pair->value_length, out);
        return true;
    }
    return false;
}
