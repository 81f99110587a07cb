/* Lower case and case folding of names, by libunistring; plain ASCII takes a short way.
 * Not here: the normal form (name.c). */
#include "digitalism/commune.h"

#include <stdint.h>
#include <stdlib.h>

#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

/* u8_tolower() or u8_casefold(). */
typedef uint8_t *map_case(const uint8_t *text, size_t length, const char *language, uninorm_t form, uint8_t *room,
                          size_t *room_length);

/* Both maps do the same to ASCII. False where there is anything else. */
static bool append_ascii(struct buffer *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((text[i] & 0x80) != 0) {
            return false;
        }
    }
    char *room = buffer_reserve(out, length);
    if (room == NULL) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        room[i] = text[i];
        if (text[i] >= 'A' && text[i] <= 'Z') {
            room[i] = (char) (text[i] - 'A' + 'a');
        }
    }
    buffer_commit(out, length);
    return true;
}

static enum commune_fault append_mapped(struct buffer *out, map_case *map, const char *text, size_t length)
{
    if (append_ascii(out, text, length)) {
        return COMMUNE_OK;
    }
    if (u8_check((const uint8_t *) text, length) != NULL) {
        return COMMUNE_NAME_ENCODING;
    }
    /* No language, as for the normal form. */
    size_t mapped_length = 0;
    uint8_t *mapped = map((const uint8_t *) text, length, NULL, UNINORM_NFC, NULL, &mapped_length);
    if (mapped == NULL || buffer_reserve(out, mapped_length) == NULL) {
        free(mapped);
        return COMMUNE_NO_MEMORY;
    }
    buffer_append(out, mapped, mapped_length);
    free(mapped);
    return COMMUNE_OK;
}

enum commune_fault commune_name_lower(struct buffer *out, const char *text, size_t length)
{
    return append_mapped(out, u8_tolower, text, length);
}

enum commune_fault commune_name_folded(struct buffer *out, const char *text, size_t length)
{
    return append_mapped(out, u8_casefold, text, length);
}
