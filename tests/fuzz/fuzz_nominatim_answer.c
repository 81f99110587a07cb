/* Answers of a Nominatim that may be anybody: no crash, and what is taken for a place is one.
 * Not here: what is expected of single answers (tests/unit/geocode). The first byte chooses between body and header. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/fetch.h"
#include "digitalism/json.h"
#include "geocode/nominatim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_body(const char *body, size_t length)
{
    struct err why = {.code = ERR_NONE};
    struct nominatim_place place = {.display_name = BUFFER_EMPTY};
    enum nominatim_verdict verdict = nominatim_read(&place, body, length, &why);
    if (verdict == NOMINATIM_FOUND) {
        struct json_value *name = NULL;
        assert(fabs(place.latitude) <= 90 && fabs(place.longitude) <= 180);
        assert(json_parse(&name, place.display_name.data, place.display_name.length, NULL) == 0);
        json_free(name);
    } else {
        assert(verdict == NOMINATIM_UNKNOWN || (why.code == ERR_REMOTE && why.message[0] != '\0'));
        assert(strpbrk(why.message, "\r\n\033") == NULL);
    }
    buffer_done(&place.display_name);
}

static void check_header(const char *text)
{
    int64_t delay_ms = -1;
    if (fetch_retry_after(text, 784111777, &delay_ms)) {
        assert(delay_ms >= 0 && delay_ms <= FETCH_RETRY_AFTER_MAX_MS);
    } else {
        assert(delay_ms == -1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    /* The exact size on the heap, so that a byte too far is seen. */
    char *text = malloc(size);
    assert(text != NULL);
    memcpy(text, data + 1, size - 1);
    if (data[0] == 'h') {
        text[size - 1] = '\0';
        check_header(text);
    } else {
        check_body(text, size - 1);
    }
    free(text);
    return 0;
}
