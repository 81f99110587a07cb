/* Looking at the first record without knowing its delimiter.
 * Not here: reading records (csv.c). */
#include "etl/delimiter.h"

#include <string.h>
#include <strings.h>

const struct delimiter delimiters[DELIMITER_COUNT] = {
    {',', "comma"}, {';', "semicolon"}, {'\t', "tab"}, {'|', "vertical bar"}};

/* The index of the delimiter, or DELIMITER_COUNT. */
static size_t index_of(char character)
{
    size_t i = 0;
    while (i < DELIMITER_COUNT && delimiters[i].character != character) {
        i += 1;
    }
    return i;
}

static bool line_end(char character)
{
    return character == '\n' || character == '\r';
}

size_t delimiter_line(const char *text, size_t length, size_t *delimiter)
{
    static const char key[] = "sep=";
    const size_t used = sizeof(key); /* the delimiter stands where the literal has its NUL */
    if (length < used || strncasecmp(text, key, used - 1) != 0) {
        return 0;
    }
    size_t found = index_of(text[used - 1]);
    if (found == DELIMITER_COUNT || (length > used && !line_end(text[used]))) {
        return 0;
    }
    *delimiter = found;
    bool crlf = length > used + 1 && text[used] == '\r' && text[used + 1] == '\n';
    return used + (length > used ? 1U : 0U) + (crlf ? 1U : 0U);
}

size_t delimiter_guess(const char *text, size_t length)
{
    size_t counts[DELIMITER_COUNT] = {0};
    bool quoted = false;
    bool at_start = true; /* of a field: here alone a quote opens */
    size_t at = 0;
    while (at < length && line_end(text[at])) {
        at += 1;
    }
    for (; at < length && (quoted || !line_end(text[at])); at++) {
        if (text[at] == '"') {
            /* A doubled quote closes and opens again at once, which comes to the same. */
            quoted = quoted ? false : at_start || text[at - 1] == '"';
            at_start = false;
            continue;
        }
        size_t found = quoted ? DELIMITER_COUNT : index_of(text[at]);
        if (found < DELIMITER_COUNT) {
            counts[found] += 1;
        }
        at_start = found < DELIMITER_COUNT;
    }
    size_t best = 0;
    for (size_t i = 1; i < DELIMITER_COUNT; i++) {
        best = counts[i] > counts[best] ? i : best;
    }
    return best;
}
