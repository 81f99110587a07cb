/* Percent-decoding and query pairs: no crash, the room that the contract names is enough, results never grow.
 * Not here: paths (fuzz_http_request.c). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Exact sizes on the heap, so that a byte too far is seen. */
    char *text = malloc(size == 0 ? 1 : size);
    char *room = malloc(2 * size + 2);
    if (text == NULL || room == NULL) {
        abort();
    }
    memcpy(text, data, size);
    const char *rest = text;
    size_t rest_length = size;
    char *out = room;
    struct decode_pair pair;
    while (decode_query_next(&pair, &rest, &rest_length, &out)) {
        if (out > room + 2 * size + 2 || pair.name[pair.name_length] != '\0' || pair.value[pair.value_length] != '\0') {
            abort();
        }
    }
    int64_t length = http_percent_decode(text, size, size % 2 == 0);
    if (length > (int64_t) size || (length < 0 && memcmp(text, data, size) != 0)) {
        abort();
    }
    free(room);
    free(text);
    return 0;
}
