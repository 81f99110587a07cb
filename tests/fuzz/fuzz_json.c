/* Reading JSON: no crash, and what it takes can be walked.
 * Not here: what is expected of single texts (tests/unit/json). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The exact size on the heap, without a NUL, so that a byte too far is seen. */
    char *text = malloc(size == 0 ? 1 : size);
    struct json_value *value = NULL;
    int64_t number = 0;
    struct err err;
    if (text == NULL) {
        abort();
    }
    memcpy(text, data, size);
    if (json_parse(&value, text, size, &err) == 0) {
        const struct json_value *items = json_is_object(value) ? json_member(value, "a") : value;
        for (const struct json_value *item = json_first(items); item != NULL; item = json_next(item)) {
            const char *word = json_member_text(item, "a");
            if ((word != NULL && strlen(word) > size) || json_member_true(NULL, "a") ||
                (json_member_integer(item, "a", &number) && word != NULL)) {
                abort();
            }
        }
        json_free(value);
    } else if (value != NULL || err.message[0] == '\0') {
        abort();
    }
    free(text);
    return 0;
}
