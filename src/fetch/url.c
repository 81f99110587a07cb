/* Making URLs, and showing them.
 * Not here: whether a URL is one at all (config). */
#include "digitalism/fetch.h"

#include <string.h>

void fetch_url_join(struct buffer *out, const char *base, const char *segment)
{
    size_t path = strcspn(base, "?#");
    const char *query = base + path;
    while (path > 0 && base[path - 1] == '/') {
        path -= 1;
    }
    buffer_append(out, base, path);
    buffer_append_char(out, '/');
    buffer_append_text(out, segment);
    if (*query == '?') {
        buffer_append(out, query, strcspn(query, "#"));
    }
}

static bool is_unreserved(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || (character != '\0' && strchr("-._~", character) != NULL);
}

void fetch_url_parameter(struct buffer *url, const char *name, const char *value)
{
    const char *query = strchr(buffer_text(url), '?');
    /* Behind a lone `?` there is nothing to be parted from. */
    if (query == NULL || query[1] != '\0') {
        buffer_append_char(url, query == NULL ? '?' : '&');
    }
    buffer_append_text(url, name);
    buffer_append_char(url, '=');
    for (; *value != '\0'; value++) {
        if (is_unreserved(*value)) {
            buffer_append_char(url, *value);
        } else {
            buffer_append_format(url, "%%%02X", (unsigned) (unsigned char) *value);
        }
    }
}

void fetch_url_redacted(struct buffer *out, const char *url)
{
    const char *authority = strstr(url, "://");
    authority = authority == NULL ? url : authority + 3;
    size_t authority_length = strcspn(authority, "/?#");
    /* Behind the last one: a password may hold another. */
    const char *at = memrchr(authority, '@', authority_length);
    const char *host = at == NULL ? authority : at + 1;
    buffer_append(out, url, (size_t) (authority - url));
    buffer_append(out, host, strcspn(host, "?#"));
}
