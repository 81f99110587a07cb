/* Names that are one slip of the finger apart.
 * Not here: what is done about them. */
#include "config/nearness.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define SHORT_NAME_MAX 4

bool config_near(const char *name, const char *known)
{
    size_t name_length = strlen(name);
    size_t known_length = strlen(known);
    if (strcmp(name, known) == 0) {
        return false;
    }
    if (strcasecmp(name, known) == 0) {
        return true;
    }
    /* Among short names one letter makes another word: PORT and SORT, HOST and HOME's like. */
    if (name_length <= SHORT_NAME_MAX || known_length <= SHORT_NAME_MAX) {
        return false;
    }
    size_t same = 0; /* characters that both begin with */
    while (name[same] != '\0' && name[same] == known[same]) {
        same += 1;
    }
    const char *name_rest = name + same;
    const char *known_rest = known + same;
    if (name_length == known_length + 1) {
        return strcmp(name_rest + 1, known_rest) == 0;
    }
    if (known_length == name_length + 1) {
        return strcmp(name_rest, known_rest + 1) == 0;
    }
    if (name_length != known_length) {
        return false;
    }
    bool replaced = strcmp(name_rest + 1, known_rest + 1) == 0;
    bool exchanged = name_rest[1] != '\0' && name_rest[0] == known_rest[1] && name_rest[1] == known_rest[0] &&
                     strcmp(name_rest + 2, known_rest + 2) == 0;
    return replaced || exchanged;
}
