/* The normal form of a commune's name, by libunistring; names in the letters of French take a short way.
 * Not here: codes and coordinates. */
#include "commune/name.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define NAME_SHORT_BYTES_MAX 1024 /* a name of the most characters that are allowed is shorter */

/* White_Space below U+0080. */
static bool ascii_space(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

static char upper_ascii(char character)
{
    return character >= 'a' && character <= 'z' ? (char) (character - ('a' - 'A')) : character;
}

/* Writes the upper case of one of the characters beyond ASCII that French names are made of, which is as long as
 * itself, and returns that length; 0 for any other. Each of them is in NFC, stays so beside any other of them and
 * beside ASCII, and has no rule that looks at its neighbours. ß and µ are not among them: their upper case lies
 * elsewhere. */
static size_t upper_french(char out[static 3], const char *text, size_t length)
{
    unsigned char second = length < 2 ? 0 : (unsigned char) text[1];
    if (text[0] == '\xC3' && second >= 0x80 && second <= 0xBE && second != 0x9F) { /* À-Þ, à-þ, × and ÷ */
        out[0] = text[0];
        out[1] = second >= 0xA0 && second != 0xB7 ? (char) (second - 0x20) : text[1];
        return 2;
    }
    if (text[0] == '\xC3' && second == 0xBF) { /* ÿ */
        out[0] = '\xC5';                       /* Ÿ */
        out[1] = '\xB8';
        return 2;
    }
    if (text[0] == '\xC5' && (second == 0x92 || second == 0x93)) { /* Œ, œ */
        out[0] = text[0];
        out[1] = '\x92';
        return 2;
    }
    if (length >= 3 && memcmp(text, "\xE2\x80\x99", 3) == 0) { /* ’ */
        memcpy(out, text, 3);
        return 3;
    }
    return 0;
}

/* Upper-cases a trimmed name of ASCII and upper_french()'s characters. False where there is another one. */
static bool upper_short(char *out, const char *text, size_t length, size_t *characters)
{
    size_t at = 0;
    size_t count = 0;
    for (; at < length; count++) {
        size_t step = 1;
        unsigned char byte = (unsigned char) text[at];
        if (byte != 0 && byte < 0x80) {
            out[at] = upper_ascii(text[at]);
        } else {
            step = upper_french(out + at, text + at, length - at);
        }
        if (step == 0) {
            return false;
        }
        at += step;
    }
    *characters = count;
    return true;
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

enum commune_fault commune_name_unicode(struct buffer *out, const char *name, size_t length)
{
    const uint8_t *text = (const uint8_t *) name;
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
    const char *whole = text;
    const size_t whole_length = length;
    size_t characters = 0;
    while (length > 0 && ascii_space(text[0])) {
        text += 1;
        length -= 1;
    }
    while (length > 0 && ascii_space(text[length - 1])) {
        length -= 1;
    }
    if (length > NAME_SHORT_BYTES_MAX) {
        return commune_name_unicode(out, whole, whole_length);
    }
    char *room = buffer_reserve(out, length + 2);
    if (room == NULL) {
        return COMMUNE_NO_MEMORY;
    }
    bool is_short = upper_short(room, text, length, &characters);
    bool fits = is_short && characters > 0 && characters <= COMMUNE_NAME_CHARACTERS_MAX;
    buffer_commit(out, fits ? length : 0);
    if (!is_short) {
        return commune_name_unicode(out, whole, whole_length);
    }
    return fits ? COMMUNE_OK : characters == 0 ? COMMUNE_NAME_EMPTY : COMMUNE_NAME_TOO_LONG;
}
