/* Numbers of any length as text.
 * Not here: what they number. */
#include "migrate/version.h"

#include <string.h>

#define DIGITS      "0123456789"
#define PART_DIGITS 4 /* of each part behind the first, so that parts can stand behind a decimal point */

/* Appends the digits of one part, which dashes may group, without leading zeros. Returns the bytes read; `*used` is the
 * length of the output, and its size where the number does not fit. */
static size_t read_part(char *out, size_t *used, const char *text)
{
    size_t read = 0;
    size_t start = *used;
    for (;;) {
        size_t digits = strspn(text + read, DIGITS);
        for (size_t i = 0; i < digits && *used < MIGRATE_VERSION_SIZE - 1; i++) {
            if (*used > start || text[read + i] != '0') {
                out[(*used)++] = text[read + i];
            }
        }
        read += digits;
        if (digits == 0 || text[read] != '-' || strspn(text + read + 1, DIGITS) == 0) {
            break;
        }
        read += 1;
    }
    if (*used == start && *used < MIGRATE_VERSION_SIZE - 1) {
        out[(*used)++] = '0';
    }
    return read;
}

static bool goes_on(const char *text)
{
    return (text[0] == '.' || text[0] == '_') && strspn(text + 1, DIGITS) > 0;
}

size_t migrate_version_read(struct migrate_version *out, const char *text, bool dotted)
{
    struct migrate_version version = {.text = ""};
    if (strspn(text, DIGITS) == 0) {
        return 0;
    }
    size_t used = 0;
    size_t read = read_part(version.text, &used, text);
    while (dotted && goes_on(text + read) && used < MIGRATE_VERSION_SIZE - 1) {
        version.text[used++] = '.';
        size_t start = used;
        read += 1 + read_part(version.text, &used, text + read + 1);
        if (used - start > PART_DIGITS) {
            return 0;
        }
    }
    if (used >= MIGRATE_VERSION_SIZE - 1) {
        return 0;
    }
    while (used > 2 && strcmp(version.text + used - 2, ".0") == 0) {
        used -= 2;
        version.text[used] = '\0';
    }
    *out = version;
    return read;
}

bool migrate_version_parse(struct migrate_version *out, const char *text)
{
    bool flyway = text[0] == 'V';
    bool number_only = text[strspn(text, DIGITS ".")] == '\0';
    size_t read = migrate_version_read(out, text + (flyway ? 1 : 0), flyway || number_only);
    const char *rest = text + (flyway ? 1 : 0) + read;
    return read > 0 && (rest[0] == '\0' || rest[0] == '_');
}

/* Takes a part off; the digits have no leading zeros, so that the longer number is the larger one. */
static size_t part_length(const char *text)
{
    return strspn(text, DIGITS);
}

int migrate_version_compare(const struct migrate_version *a, const struct migrate_version *b)
{
    const char *left = a->text;
    const char *right = b->text;
    while (*left != '\0' && *right != '\0') {
        size_t left_length = part_length(left);
        size_t right_length = part_length(right);
        if (left_length != right_length) {
            return left_length < right_length ? -1 : 1;
        }
        int order = strncmp(left, right, left_length);
        if (order != 0) {
            return order;
        }
        left += left_length + (left[left_length] == '.' ? 1 : 0);
        right += right_length + (right[right_length] == '.' ? 1 : 0);
    }
    return (*left != '\0') - (*right != '\0');
}

void migrate_version_number(char out[static MIGRATE_VERSION_NUMBER_SIZE], const struct migrate_version *version)
{
    const char *part = version->text;
    size_t length = part_length(part);
    size_t used = length;
    memcpy(out, part, length);
    for (part += length; *part == '.'; part += length) {
        part += 1;
        length = part_length(part);
        if (used == part_length(version->text)) {
            out[used++] = '.';
        }
        memset(out + used, '0', PART_DIGITS - length);
        memcpy(out + used + PART_DIGITS - length, part, length);
        used += PART_DIGITS;
    }
    out[used] = '\0';
}

void migrate_version_from_number(struct migrate_version *out, const char *number)
{
    char dotted[2 * MIGRATE_VERSION_NUMBER_SIZE];
    size_t used = part_length(number);
    used = used < MIGRATE_VERSION_SIZE ? used : MIGRATE_VERSION_SIZE;
    memcpy(dotted, number, used);
    const char *fraction = number + used + (number[used] == '.' ? 1 : 0);
    for (size_t i = 0; fraction[i] >= '0' && fraction[i] <= '9' && used + 2 < sizeof(dotted); i++) {
        if (i % PART_DIGITS == 0) {
            dotted[used++] = '.';
        }
        dotted[used++] = fraction[i];
    }
    dotted[used] = '\0';
    if (migrate_version_read(out, dotted, true) == 0) {
        *out = (struct migrate_version){.text = ""};
    }
}
