/* The names of the faults, for machines and for people.
 * Not here: finding them. */
#include "digitalism/commune.h"

#include <assert.h>

static const struct {
    const char *code;
    const char *text;
} faults[] = {
    [COMMUNE_OK] = {"ok", "nothing is wrong"},
    [COMMUNE_NAME_EMPTY] = {"name_empty", "name is empty"},
    [COMMUNE_NAME_TOO_LONG] = {"name_too_long", "name is longer than 255 characters"},
    [COMMUNE_NAME_ENCODING] = {"name_encoding", "name is not valid UTF-8"},
    [COMMUNE_POSTAL_CODE_EMPTY] = {"postal_code_empty", "postal code is empty"},
    [COMMUNE_POSTAL_CODE_INVALID] = {"postal_code_invalid", "postal code is not 1 to 5 digits"},
    [COMMUNE_DEPARTMENT_UNKNOWN] = {"department_unknown", "no known department has this postal code"},
    [COMMUNE_LATITUDE_INVALID] = {"latitude_invalid", "latitude is not a number from -90 to 90"},
    [COMMUNE_LONGITUDE_INVALID] = {"longitude_invalid", "longitude is not a number from -180 to 180"},
    [COMMUNE_LATITUDE_COMMA] = {"latitude_comma", "latitude has a decimal comma where a dot has to be"},
    [COMMUNE_LONGITUDE_COMMA] = {"longitude_comma", "longitude has a decimal comma where a dot has to be"},
    [COMMUNE_NO_MEMORY] = {"no_memory", "no memory"},
};
static_assert(sizeof(faults) / sizeof(faults[0]) == COMMUNE_FAULT_COUNT, "every fault has its texts");

const char *commune_fault_code(enum commune_fault fault)
{
    return faults[fault].code;
}

const char *commune_fault_text(enum commune_fault fault)
{
    return faults[fault].text;
}
