/* Dates and delays in HTTP headers.
 * Not here: what is done about a delay (its callers). */
#include "digitalism/fetch.h"

#include <stddef.h>

static const char *skip_blanks(const char *text)
{
    while (*text == ' ' || *text == '\t') {
        text += 1;
    }
    return text;
}

/* The locale is C, which this program never changes, so that the names of days and months are HTTP's. */
bool fetch_date(const char *text, time_t *out)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT", /* IMF-fixdate */
        "%A, %d-%b-%y %H:%M:%S GMT", /* RFC 850 */
        "%a %b %e %H:%M:%S %Y",      /* asctime(3) */
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm parts = {.tm_isdst = 0};
        const char *end = strptime(skip_blanks(text), forms[i], &parts);
        if (end != NULL && *skip_blanks(end) == '\0') {
            *out = timegm(&parts);
            return true;
        }
    }
    return false;
}

bool fetch_retry_after(const char *text, time_t now, int64_t *out_ms)
{
    const int64_t max_s = FETCH_RETRY_AFTER_MAX_MS / 1000;
    text = skip_blanks(text);
    int64_t seconds = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        /* Beyond the limit it only has to stay beyond it. */
        seconds = seconds > max_s ? seconds : seconds * 10 + (*at - '0');
    }
    if (at == text || *skip_blanks(at) != '\0') {
        time_t date;
        if (!fetch_date(text, &date)) {
            return false;
        }
        seconds = date > now ? (int64_t) date - (int64_t) now : 0;
    }
    *out_ms = (seconds < max_s ? seconds : max_s) * 1000;
    return true;
}
