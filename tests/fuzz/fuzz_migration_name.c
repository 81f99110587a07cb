/* Fuzzes the names and texts of migrations: a name that counts as one has a number and is not one that undoes; places
 * and tokens lie inside the text. */
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
    /* And its tokens come one behind the other, none empty, none behind the end. */
    struct migrate_lexer lexer = {.text = name, .length = size, .at = 0};
    struct migrate_token token;
    size_t end = 0;
    while (migrate_lexer_next(&lexer, &token)) {
        if (token.length == 0 || token.start < end || token.start + token.length > size) {
            abort();
        }
        end = token.start + token.length;
    }
    (void) migrate_find_transaction_end(name, size, &token);
    free(name);
    return 0;
}
