/* The table of Windows-1252 (https://encoding.spec.whatwg.org/#windows-1252, but for the bytes without a meaning).
 * Not here: reading files. */
#include "etl/encoding.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* 0x80 to 0x9F; the rest is as in ISO 8859-1, whose numbers are those of Unicode. */
static const char *const high_controls[] = {
    "€",    "\x81", "‚", "ƒ", "„", "…", "†", "‡", "ˆ", "‰", "Š", "‹", "Œ", "\x8D", "Ž", "\x8F",
    "\x90", "‘",    "’", "“", "”", "•", "–", "—", "˜", "™", "š", "›", "œ", "\x9D", "ž", "Ÿ",
};
static_assert(sizeof(high_controls) / sizeof(high_controls[0]) == 0xA0 - 0x80, "every byte of the range is told");

static const char *const names[] = {[ETL_ENCODING_UTF8] = "UTF-8", [ETL_ENCODING_CP1252] = "cp1252"};
static_assert(sizeof(names) / sizeof(names[0]) == ETL_ENCODING_COUNT, "every encoding has a name");

const char *encoding_name(enum etl_encoding encoding)
{
    return names[encoding];
}

static bool starts_with(const char *text, size_t length, const char *mark, size_t mark_length)
{
    return length >= mark_length && memcmp(text, mark, mark_length) == 0;
}

/* Which of the first four bytes are NUL, the first as the highest bit; 0 for a shorter text. */
static unsigned nul_pattern(const char *text, size_t length)
{
    unsigned pattern = 0;
    for (size_t i = 0; length >= 4 && i < 4; i++) {
        pattern = pattern << 1 | (text[i] == '\0' ? 1U : 0U);
    }
    return pattern;
}

enum encoding_mark encoding_mark(const char *text, size_t length)
{
    unsigned nuls = nul_pattern(text, length);
    /* The mark of UTF-32 in little endian starts with that of UTF-16. */
    if (starts_with(text, length, "\xFF\xFE\0\0", 4) || starts_with(text, length, "\0\0\xFE\xFF", 4) || nuls == 0x7 ||
        nuls == 0xE) {
        return ENCODING_MARK_UTF32;
    }
    /* One of each two bytes is NUL in the first two characters: header names start with ASCII. */
    if (starts_with(text, length, "\xFF\xFE", 2) || starts_with(text, length, "\xFE\xFF", 2) || nuls == 0x5 ||
        nuls == 0xA || nuls == 0x6 || nuls == 0x9) {
        return ENCODING_MARK_UTF16;
    }
    return starts_with(text, length, "\xEF\xBB\xBF", ENCODING_MARK_UTF8_BYTES) ? ENCODING_MARK_UTF8
                                                                               : ENCODING_MARK_NONE;
}

/* How many bytes at the start are ASCII, as far as whole words show it. */
static size_t ascii_words(const char *text, size_t length)
{
    size_t at = 0;
    uint64_t word;
    for (; length - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    return at;
}

size_t encoding_from_cp1252(char *out, const char *text, size_t length)
{
    char *to = out;
    size_t at = 0;
    while (at < length) {
        size_t plain = ascii_words(text + at, length - at);
        memcpy(to, text + at, plain);
        to += plain;
        at += plain;
        /* At most a word, before words are tried again. */
        for (size_t end = length - at < sizeof(uint64_t) ? length : at + sizeof(uint64_t); at < end; at++) {
            unsigned char byte = (unsigned char) text[at];
            if (byte < 0x80) {
                *to++ = (char) byte;
            } else if (byte < 0xA0) {
                size_t bytes = strlen(high_controls[byte - 0x80]);
                memcpy(to, high_controls[byte - 0x80], bytes);
                to += bytes;
            } else {
                *to++ = (char) (0xC0 | byte >> 6);
                *to++ = (char) (0x80 | (byte & 0x3F));
            }
        }
    }
    return (size_t) (to - out);
}
