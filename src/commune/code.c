/* Postal codes and department codes: their forms, and which department a postal code belongs to.
 * Not here: names and coordinates; the list of departments, which is PostgreSQL's. */
#include "digitalism/commune.h"

#include <assert.h>
#include <string.h>

#include "commune/text.h"

static bool digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool all_digits(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!digit(text[i])) {
            return false;
        }
    }
    return true;
}

enum commune_fault commune_postal_code_padded(char out[static COMMUNE_POSTAL_CODE_SIZE], const char *text,
                                              size_t length)
{
    const size_t digits = COMMUNE_POSTAL_CODE_SIZE - 1;
    commune_trim(&text, &length);
    if (length == 0) {
        return COMMUNE_POSTAL_CODE_EMPTY;
    }
    if (length > digits || !all_digits(text, length)) {
        return COMMUNE_POSTAL_CODE_INVALID;
    }
    memset(out, '0', digits - length);
    memcpy(out + digits - length, text, length);
    out[digits] = '\0';
    return COMMUNE_OK;
}

bool commune_postal_code_valid(const char *text, size_t length)
{
    return length == COMMUNE_POSTAL_CODE_SIZE - 1 && all_digits(text, length);
}

/* Corsica: 20000-20199 is the south, 20200-20699 the north; higher numbers are nobody's. */
static enum commune_fault department_of_corsica(char out[static COMMUNE_DEPARTMENT_CODE_SIZE], const char *postal_code)
{
    if (postal_code[2] > '6') {
        return COMMUNE_DEPARTMENT_UNKNOWN;
    }
    memcpy(out, postal_code[2] < '2' ? "2A" : "2B", 3);
    return COMMUNE_OK;
}

enum commune_fault commune_department_of(char out[static COMMUNE_DEPARTMENT_CODE_SIZE], const char *postal_code)
{
    assert(commune_postal_code_valid(postal_code, strlen(postal_code)));
    if (postal_code[0] == '2' && postal_code[1] == '0') {
        return department_of_corsica(out, postal_code);
    }
    /* Overseas codes have three digits, the others two, or one behind a leading zero. */
    size_t start = postal_code[0] == '0' ? 1 : 0;
    size_t end = postal_code[0] == '9' && (postal_code[1] == '7' || postal_code[1] == '8') ? 3 : 2;
    memcpy(out, postal_code + start, end - start);
    out[end - start] = '\0';
    return COMMUNE_OK;
}

bool commune_department_code(char out[static COMMUNE_DEPARTMENT_CODE_SIZE], const char *text, size_t length)
{
    commune_trim(&text, &length);
    if (length == 2 && text[0] == '2' && strchr("aAbB", text[1]) != NULL && text[1] != '\0') {
        memcpy(out, text[1] == 'a' || text[1] == 'A' ? "2A" : "2B", 3);
        return true;
    }
    if (length == 0 || length >= COMMUNE_DEPARTMENT_CODE_SIZE || !all_digits(text, length)) {
        return false;
    }
    while (length > 1 && text[0] == '0') {
        text += 1;
        length -= 1;
    }
    if (text[0] == '0') {
        return false;
    }
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}
