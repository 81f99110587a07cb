/* The normal form of a commune's name, by libunistring; names in plain ASCII take a short way.
 * Not here: codes and coordinates. */
#include "digitalism/commune.h"

#include <stdint.h>
#include <stdlib.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* White_Space below U+0080. */
static bool ascii_space(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

static bool plain_ascii(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\0' || (text[i] & 0x80) != 0) {
            return false;
        }
    }
    return true;
}

static char upper_ascii(char character)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (character >= 'a' && character <= 'z') {
        return letters[character - 'a'];
    }
    return character;
}

static enum commune_fault name_ascii(struct buffer *out, const char *text, size_t length)
{
    while (length > 0 && ascii_space(text[0])) {
        text += 1;
        length -= 1;
    }
    while (length > 0 && ascii_space(text[length - 1])) {
        length -= 1;
    }
    if (length == 0) {
        return COMMUNE_NAME_EMPTY;
    }
    if (length > COMMUNE_NAME_CHARACTERS_MAX) {
        return COMMUNE_NAME_TOO_LONG;
    }
    char *room = buffer_reserve(out, length);
    if (room == NULL) {
        return COMMUNE_NO_MEMORY;
    }
    for (size_t i = 0; i < length; i++) {
        room[i] = upper_ascii(text[i]);
    }
    buffer_commit(out, length);
    return COMMUNE_OK;
}

/* Narrows the text to what stands between its white space. It must be valid UTF-8. */
static void trim(const uint8_t **text, size_t *length)
{
    ucs4_t character;
    while (*length > 0) {
        int bytes = u8_mbtouc(&character, *text, *length);
        if (!uc_is_property_white_space(character)) {
            break;
        }
        *text += bytes;
        *length -= (size_t) bytes;
    }
    while (*length > 0) {
        const uint8_t *last = u8_prev(&character, *text + *length, *text);
        if (last == NULL || !uc_is_property_white_space(character)) {
            break;
        }
        *length = (size_t) (last - *text);
    }
}

static enum commune_fault name_unicode(struct buffer *out, const uint8_t *text, size_t length)
{
    if (u8_check(text, length) != NULL || u8_chr(text, length, 0) != NULL) {
        return COMMUNE_NAME_ENCODING;
    }
    trim(&text, &length);
    if (length == 0) {
        return COMMUNE_NAME_EMPTY;
    }
    /* No language: the result must not depend on who runs the program (a Turkish i). */
    size_t upper_length = 0;
    uint8_t *upper = u8_toupper(text, length, NULL, UNINORM_NFC, NULL, &upper_length);
    if (upper == NULL) {
        return COMMUNE_NO_MEMORY;
    }
    enum commune_fault fault = COMMUNE_OK;
    if (u8_mbsnlen(upper, upper_length) > COMMUNE_NAME_CHARACTERS_MAX) {
        fault = COMMUNE_NAME_TOO_LONG;
    } else if (buffer_reserve(out, upper_length) == NULL) {
        fault = COMMUNE_NO_MEMORY;
    } else {
        buffer_append(out, upper, upper_length);
    }
    free(upper);
    return fault;
}

enum commune_fault commune_name(struct buffer *out, const char *text, size_t length)
{
    return plain_ascii(text, length) ? name_ascii(out, text, length)
                                     : name_unicode(out, (const uint8_t *) text, length);
}
