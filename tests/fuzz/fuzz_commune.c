/* The rules of the domain on any bytes: normal forms stay as they are when normalised again, and keep their limits.
 * Not here: records. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "digitalism/base/buffer.h"
#include "digitalism/commune.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *text, size_t size)
{
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
        assert(commune_postal_code_valid(postal_code, strlen(postal_code)));
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
    }
    if (commune_longitude(&degrees, &present, text, size) == COMMUNE_OK && present) {
        assert(fabs(degrees) <= 180);
    }
    return 0;
}
