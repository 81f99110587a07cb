/* Latitudes and longitudes.
 * Not here: what becomes of a city without them. */
#include "digitalism/commune.h"

#include <assert.h>
#include <float.h>
#include <stdint.h>
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

/* Digits with at most one dot, of up to DIGITS_MAX digits in all: both the number without its dot and the power of ten
 * below it are exact as doubles, so that their quotient is the double nearest to the number (Clinger, "How to read
 * floating point numbers accurately", 1990). False for other forms, which strtod(3) has to read. */
static bool short_decimal(double *out, const char *text, size_t length)
{
    enum { DIGITS_MAX = 15 };
    static const double powers[DIGITS_MAX + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    bool negative = text[0] == '-';
    int64_t number = 0;
    size_t digits = 0;
    size_t dot = length;
    for (size_t i = negative ? 1 : 0; i < length; i++) {
        if (text[i] == '.' && dot == length) {
            dot = i;
        } else if (text[i] >= '0' && text[i] <= '9' && digits < DIGITS_MAX) {
            number = number * 10 + (text[i] - '0');
            digits += 1;
        } else {
            return false;
        }
    }
    if (digits == 0) {
        return false;
    }
    double value = (double) number / powers[dot == length ? 0 : length - dot - 1];
    *out = negative ? -value : value;
    return true;
}
static_assert(FLT_EVAL_METHOD == 0, "a quotient is rounded once, to double");

static bool read_number(double *out, const char *text, size_t length)
{
    char number[NUMBER_BYTES_MAX + 1];
    if (short_decimal(out, text, length)) {
        return true;
    }
    if (length > NUMBER_BYTES_MAX || !decimal(text, length)) {
        return false;
    }
    memcpy(number, text, length);
    number[length] = '\0';
    *out = strtod(number, NULL); /* the C locale: this program never sets another one */
    return true;
}

/* "48,85", as a spreadsheet in French writes it. */
static bool has_decimal_comma(const char *text, size_t length)
{
    char number[NUMBER_BYTES_MAX];
    const char *comma = memchr(text, ',', length);
    if (comma == NULL || length > sizeof(number)) {
        return false;
    }
    memcpy(number, text, length);
    number[comma - text] = '.';
    return decimal(number, length);
}

static enum commune_fault degrees(double *out, bool *present, const char *text, size_t length, double limit,
                                  enum commune_fault invalid, enum commune_fault comma)
{
    double value;
    commune_trim(&text, &length);
    if (length == 0) {
        *present = false;
        return COMMUNE_OK;
    }
    if (!read_number(&value, text, length)) {
        return has_decimal_comma(text, length) ? comma : invalid;
    }
    if (!(value >= -limit && value <= limit)) {
        return invalid;
    }
    *out = value;
    *present = true;
    return COMMUNE_OK;
}

enum commune_fault commune_latitude(double *out, bool *present, const char *text, size_t length)
{
    return degrees(out, present, text, length, 90.0, COMMUNE_LATITUDE_INVALID, COMMUNE_LATITUDE_COMMA);
}

enum commune_fault commune_longitude(double *out, bool *present, const char *text, size_t length)
{
    return degrees(out, present, text, length, 180.0, COMMUNE_LONGITUDE_INVALID, COMMUNE_LONGITUDE_COMMA);
}
