/* Which route a path leads to: literal before parameter, final slashes, allowed methods. Pure.
 * Not here: what is answered then (dispatch.c). */
#ifndef DIGITALISM_HTTP_ROUTER_H
#define DIGITALISM_HTTP_ROUTER_H

#include <stddef.h>

#include "digitalism/http.h"

enum {
    ROUTER_SEGMENTS_MAX = 16,  /* a path with more leads nowhere */
    ROUTER_PARAMETERS_MAX = 8, /* in one pattern */
};

struct router;

/* The routes must outlive the router. -ERR_INTERNAL for a bad pattern or one given twice. */
int router_new(struct router **out, const struct http_route *routes, size_t count, struct err *err);
void router_free(struct router *router);

enum router_verdict {
    ROUTER_FOUND,
    ROUTER_NOT_FOUND,   /* 404 */
    ROUTER_BAD_PATH,    /* 400: a malformed escape, or not UTF-8 */
    ROUTER_BAD_METHOD,  /* 405: `allowed` says what would be */
    ROUTER_ADD_SLASH,   /* 307: the path with a slash at its end is known */
    ROUTER_REMOVE_SLASH /* 307: the path without its final slash is known */
};

struct router_text {
    const char *text; /* NUL-terminated; may hold NULs of its own */
    size_t length;
};

struct router_match {
    enum router_verdict verdict;
    const struct http_route *route; /* of ROUTER_FOUND */
    unsigned allowed;               /* of ROUTER_BAD_METHOD: bit 1 << HTTP_METHOD_… */
    struct router_text parameters[ROUTER_PARAMETERS_MAX];
    size_t parameter_count;
};

/* Finds the route of a path (as received, starting with a slash, without query). `method` is HTTP_METHOD_COUNT for one
 * that no route has. `scratch` has room for length + 1 bytes; the parameters are decoded into it. */
void router_find(struct router_match *match, const struct router *router, enum http_method method, const char *path,
                 size_t length, char *scratch);

/* Every method of the table, for `OPTIONS *`. */
unsigned router_methods(const struct router *router);

/* Appends the names for an Allow header: "GET, HEAD, POST". */
void router_append_allowed(struct buffer *out, unsigned allowed);

#endif
