/* Percent-decoding of paths and queries.
 * Not here: which route a path leads to (router.h). */
#ifndef DIGITALISM_HTTP_DECODE_H
#define DIGITALISM_HTTP_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "digitalism/http.h"

/* True when all of the text is UTF-8 (RFC 3629). */
bool decode_is_utf8(const char *text, size_t length);

/* Walks a query as application/x-www-form-urlencoded: takes the next pair off `*rest`, copies its decoded name and
 * value, each with a final NUL, to `*out`, which has room for the pair's bytes and two more, and moves `*out` behind
 * them. A malformed escape leaves its part as it was received. False when no pair is left. */
struct decode_pair {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
};
bool decode_query_next(struct decode_pair *pair, const char **rest, size_t *rest_length, char **out);

#endif
