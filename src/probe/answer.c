/* The status line of RFC 9112, read strictly.
 * Not here: headers' meaning, bodies. */
#include "probe/answer.h"

#include <stdbool.h>
#include <string.h>

#define STATUS_LINE_MIN 13 /* "HTTP/1.1 200 " */

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* Whether `text` may still become a status line; `pattern` has '#' for a digit. */
static bool begins_like(const char *text, size_t length, const char *pattern)
{
    for (size_t i = 0; i < length && pattern[i] != '\0'; i++) {
        bool fits = pattern[i] == '#' ? is_digit(text[i]) : text[i] == pattern[i];
        if (!fits) {
            return false;
        }
    }
    return true;
}

int probe_answer_status(const char *text, size_t length)
{
    /* A reason may be missing, but the space before it may not; servers that forget it too are forgiven by all. */
    if (!begins_like(text, length, "HTTP/1.# ### ") && !begins_like(text, length, "HTTP/1.# ###\r\n")) {
        return -1;
    }
    if (length < STATUS_LINE_MIN) {
        return 0;
    }
    int status = (text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0');
    if (status < 100 || status > 599) {
        return -1;
    }
    return memmem(text, length, "\r\n\r\n", 4) == NULL ? 0 : status;
}
