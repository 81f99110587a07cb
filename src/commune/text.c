/* Trimming codes and numbers.
 * Not here: names (name.c). */
#include "commune/text.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    const char *bytes;
    size_t length;
} spaces[] = {{" ", 1}, {"\t", 1}, {"\n", 1}, {"\v", 1}, {"\f", 1}, {"\r", 1}, {"\xC2\xA0", 2}, {"\xE2\x80\xAF", 3}};

/* The length of the white space at the start, or at the end, of the text; 0 for none. */
static size_t space_at(const char *text, size_t length, int at_end)
{
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        size_t wanted = spaces[i].length;
        if (wanted <= length && memcmp(at_end ? text + length - wanted : text, spaces[i].bytes, wanted) == 0) {
            return wanted;
        }
    }
    return 0;
}

/* A printable ASCII character: neither white space nor a part of it, which most fields start and end with. */
static bool solid(char character)
{
    return character > ' ' && character <= '~';
}

void commune_trim(const char **text, size_t *length)
{
    size_t space;
    if (*length > 0 && solid((*text)[0]) && solid((*text)[*length - 1])) {
        return;
    }
    while ((space = space_at(*text, *length, 0)) > 0) {
        *text += space;
        *length -= space;
    }
    while ((space = space_at(*text, *length, 1)) > 0) {
        *length -= space;
    }
}
