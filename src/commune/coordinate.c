/* Latitudes and longitudes.
 * Not here: what becomes of a city without them. */
#include "digitalism/commune.h"

#include <stdlib.h>
#include <string.h>

#include "commune/text.h"

#define NUMBER_BYTES_MAX 63

static size_t count_digits(const char *text, size_t length)
{
    size_t digits = 0;
    while (digits < length && text[digits] >= '0' && text[digits] <= '9') {
        digits += 1;
    }
    return digits;
}

/* strtod(3) takes "nan", "inf" and hexadecimal too, so the form is checked first: [+-] digits [. digits] [e [+-]
 * digits], with a digit on at least one side of the dot. */
static bool decimal(const char *text, size_t length)
{
    size_t at = length > 0 && (text[0] == '+' || text[0] == '-') ? 1 : 0;
    size_t digits = count_digits(text + at, length - at);
    at += digits;
    if (at < length && text[at] == '.') {
        size_t fraction = count_digits(text + at + 1, length - at - 1);
        at += 1 + fraction;
        digits += fraction;
    }
    if (digits == 0) {
        return false;
    }
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at += 1;
        at += at < length && (text[at] == '+' || text[at] == '-') ? 1 : 0;
        size_t exponent = count_digits(text + at, length - at);
        at += exponent;
        if (exponent == 0) {
            return false;
        }
    }
    return at == length;
}

static bool degrees(double *out, bool *present, const char *text, size_t length, double limit)
{
    commune_trim(&text, &length);
    if (length == 0) {
        *present = false;
        return true;
    }
    char number[NUMBER_BYTES_MAX + 1];
    if (length > NUMBER_BYTES_MAX || !decimal(text, length)) {
        return false;
    }
    memcpy(number, text, length);
    number[length] = '\0';
    double value = strtod(number, NULL); /* the C locale: this program never sets another one */
    if (!(value >= -limit && value <= limit)) {
        return false;
    }
    *out = value;
    *present = true;
    return true;
}

enum commune_fault commune_latitude(double *out, bool *present, const char *text, size_t length)
{
    return degrees(out, present, text, length, 90.0) ? COMMUNE_OK : COMMUNE_LATITUDE_INVALID;
}

enum commune_fault commune_longitude(double *out, bool *present, const char *text, size_t length)
{
    return degrees(out, present, text, length, 180.0) ? COMMUNE_OK : COMMUNE_LONGITUDE_INVALID;
}
