/* Fuzzes the names of migrations: a name that counts as one has a number, and is not one that undoes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *name = malloc(size + 1);
    if (name == NULL) {
        return 0;
    }
    memcpy(name, data, size);
    name[size] = '\0';
    int64_t version = -1;
    enum migrate_name kind = migrate_name_parse(name, &version);
    bool up = kind == MIGRATE_NAME_UP;
    size_t length = strlen(name);
    bool undoes = length >= 9 && strcmp(name + length - 9, ".down.sql") == 0;
    if (up != (version >= 0) || (up && (undoes || name[0] < '0' || name[0] > '9'))) {
        abort();
    }
    /* The same bytes as a script: every position has a place in it. */
    struct migrate_place place;
    for (size_t position = 1; position <= size + 2; position += 1 + size / 16) {
        migrate_locate(&place, name, size, position);
        if (place.line == 0 || place.column == 0 || place.line > size + 1) {
            abort();
        }
    }
    free(name);
    return 0;
}
