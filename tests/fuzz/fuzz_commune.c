/* The rules of the domain on any bytes: normal forms stay as they are when normalised again, and keep their limits.
 * Not here: records. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "commune/name.h"
#include "digitalism/base/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The short way says what libunistring says. */
static void check_short_way(const char *text, size_t size)
{
    BUFFER_AUTO taken = BUFFER_EMPTY;
    BUFFER_AUTO wanted = BUFFER_EMPTY;
    assert(commune_name(&taken, text, size) == commune_name_unicode(&wanted, text, size));
    assert(strcmp(buffer_text(&taken), buffer_text(&wanted)) == 0);
}

/* A number that was read is the double that the C library reads, to the last bit. */
static void check_degrees(double degrees, const char *text, size_t size)
{
    BUFFER_AUTO number = BUFFER_EMPTY;
    size_t start = 0;
    while (start < size && strchr("+-.0123456789", text[start]) == NULL) {
        start += 1;
    }
    buffer_append(&number, text + start, size - start);
    double wanted = strtod(buffer_text(&number), NULL);
    assert(memcmp(&degrees, &wanted, sizeof(degrees)) == 0);
}

static void check_name(const char *text, size_t size)
{
    check_short_way(text, size);
    BUFFER_AUTO once = BUFFER_EMPTY;
    BUFFER_AUTO twice = BUFFER_EMPTY;
    if (commune_name(&once, text, size) != COMMUNE_OK) {
        assert(once.length == 0);
        return;
    }
    size_t characters = 0;
    for (size_t at = 0; at < once.length; characters++) {
        size_t step = utf8_length(once.data + at, once.length - at);
        assert(step > 0 && once.data[at] != '\0');
        at += step;
    }
    assert(characters > 0 && characters <= COMMUNE_NAME_CHARACTERS_MAX);
    assert(commune_name(&twice, once.data, once.length) == COMMUNE_OK);
    assert(strcmp(once.data, twice.data) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *) data;
    char postal_code[COMMUNE_POSTAL_CODE_SIZE];
    char department[COMMUNE_DEPARTMENT_CODE_SIZE];
    double degrees = 0;
    bool present = false;
    check_name(text, size);
    if (commune_postal_code_padded(postal_code, text, size) == COMMUNE_OK) {
        char again[COMMUNE_POSTAL_CODE_SIZE];
        assert(commune_postal_code_valid(postal_code, strlen(postal_code)));
        assert(commune_postal_code_padded(again, postal_code, strlen(postal_code)) == COMMUNE_OK);
        assert(strcmp(postal_code, again) == 0);
        if (commune_department_of(department, postal_code) == COMMUNE_OK) {
            assert(strlen(department) >= 1 && strlen(department) <= 3);
        }
    }
    if (commune_department_code(department, text, size)) {
        char again[COMMUNE_DEPARTMENT_CODE_SIZE];
        assert(commune_department_code(again, department, strlen(department)) && strcmp(department, again) == 0);
    }
    if (commune_latitude(&degrees, &present, text, size) == COMMUNE_OK && present) {
        assert(fabs(degrees) <= 90);
        check_degrees(degrees, text, size);
    }
    if (commune_longitude(&degrees, &present, text, size) == COMMUNE_OK && present) {
        assert(fabs(degrees) <= 180);
    }
    return 0;
}
