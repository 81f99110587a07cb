/* Nominatim's protocol: the question as a URL, and what an answer says. Pure.
 * Not here: asking (geocode.c). Source: Nominatim manual, "Search queries" and "Place output". */
#ifndef GEOCODE_NOMINATIM_H
#define GEOCODE_NOMINATIM_H

#include <stddef.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"

enum nominatim_verdict {
    NOMINATIM_FOUND,
    NOMINATIM_UNKNOWN,    /* it knows no such place */
    NOMINATIM_REFUSED,    /* it says a place that cannot be the one that was asked for */
    NOMINATIM_UNREADABLE, /* this is no answer of Nominatim */
};

struct nominatim_place {
    double latitude;
    double longitude;
    struct buffer display_name; /* as JSON, quotes included; the owner releases it */
};

/* Appends the question for one city to `out`. The URL may hold credentials: show it with fetch_url_redacted(). */
void nominatim_url(struct buffer *out, const char *base, const char *city, const char *postal_code);

/* Reads the body of a 200. `out` is filled when the place was found; `why` for the last two verdicts, without saying
 * whose answer it is. Strings in it that are not ours are in JSON's form, so that they cannot break a line of the log.
 */
enum nominatim_verdict nominatim_read(struct nominatim_place *out, const char *body, size_t length, struct err *why);

/* A member of an object as degrees: a number, or a text that is one, from -limit to limit. */
struct json_value;
bool nominatim_degrees(const struct json_value *object, const char *name, double limit, double *out);

#endif
