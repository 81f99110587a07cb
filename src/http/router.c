/* The routing table as a tree of path segments, and the walk through it. Pure.
 * Not here: what is answered then (dispatch.c). */
#include "http/router.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/decode.h"

static const char *const allowed_names[] = {
    [HTTP_METHOD_GET] = "GET, HEAD",
    [HTTP_METHOD_POST] = "POST",
    [HTTP_METHOD_PUT] = "PUT",
    [HTTP_METHOD_DELETE] = "DELETE",
};
static_assert(sizeof(allowed_names) / sizeof(allowed_names[0]) == HTTP_METHOD_COUNT, "every method has a name");

/* A segment of one or more patterns. A final slash is an empty literal segment. */
struct node {
    const char *literal; /* NULL for a parameter */
    size_t literal_length;
    struct node *children; /* literals first tried, in the order of the table */
    struct node *parameter_child;
    struct node *sibling;
    const struct http_route *routes[HTTP_METHOD_COUNT];
};

struct router {
    struct node root;
    unsigned methods;
};

struct path {
    struct router_text segments[ROUTER_SEGMENTS_MAX + 1]; /* one more for a slash that is tried behind them */
    size_t count;
};

static unsigned node_methods(const struct node *node)
{
    unsigned methods = 0;
    for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++) {
        methods |= node->routes[i] != NULL ? 1U << i : 0;
    }
    return methods;
}

static void node_free_children(struct node *node)
{
    if (node->parameter_child != NULL) {
        node_free_children(node->parameter_child);
        free(node->parameter_child);
    }
    struct node *child = node->children;
    while (child != NULL) {
        struct node *next = child->sibling;
        node_free_children(child);
        free(child);
        child = next;
    }
}

static struct node *find_literal(const struct node *node, const char *text, size_t length)
{
    for (struct node *child = node->children; child != NULL; child = child->sibling) {
        if (child->literal_length == length && memcmp(child->literal, text, length) == 0) {
            return child;
        }
    }
    return NULL;
}

/* The child for one segment of a pattern, made when it is not there yet. NULL when memory is short. */
static struct node *grow(struct node *node, const char *segment, size_t length)
{
    bool is_parameter = length > 2 && segment[0] == '{' && segment[length - 1] == '}';
    struct node *child = is_parameter ? node->parameter_child : find_literal(node, segment, length);
    if (child != NULL) {
        return child;
    }
    child = calloc(1, sizeof(*child));
    if (child == NULL) {
        return NULL;
    }
    if (is_parameter) {
        node->parameter_child = child;
        return child;
    }
    child->literal = segment;
    child->literal_length = length;
    child->sibling = node->children;
    node->children = child;
    return child;
}

static int add_route(struct router *router, const struct http_route *route, struct err *err)
{
    const char *rest = route->pattern;
    struct node *node = &router->root;
    size_t segments = 0;
    size_t parameters = 0;
    if (rest[0] != '/' || (unsigned) route->method >= HTTP_METHOD_COUNT || route->handler == NULL) {
        return err_set(err, ERR_INTERNAL, "route %s is malformed", route->pattern);
    }
    while (rest != NULL) {
        const char *segment = rest + 1;
        rest = strchr(segment, '/');
        size_t length = rest == NULL ? strlen(segment) : (size_t) (rest - segment);
        parameters += length > 0 && segment[0] == '{' ? 1 : 0;
        if (++segments > ROUTER_SEGMENTS_MAX || parameters > ROUTER_PARAMETERS_MAX) {
            return err_set(err, ERR_INTERNAL, "route %s has too many segments", route->pattern);
        }
        node = grow(node, segment, length);
        if (node == NULL) {
            return err_set(err, ERR_INTERNAL, "no memory for route %s", route->pattern);
        }
    }
    if (node->routes[route->method] != NULL) {
        return err_set(err, ERR_INTERNAL, "route %s is given twice", route->pattern);
    }
    node->routes[route->method] = route;
    router->methods |= 1U << route->method;
    return 0;
}

int router_new(struct router **out, const struct http_route *routes, size_t count, struct err *err)
{
    struct router *router = calloc(1, sizeof(*router));
    if (router == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the routing table");
    }
    for (size_t i = 0; i < count; i++) {
        int status = add_route(router, &routes[i], err);
        if (status < 0) {
            router_free(router);
            return status;
        }
    }
    *out = router;
    return 0;
}

void router_free(struct router *router)
{
    if (router != NULL) {
        node_free_children(&router->root);
        free(router);
    }
}

unsigned router_methods(const struct router *router)
{
    return router->methods;
}

/* Decodes after splitting, so that %2F stays inside its segment and a decoded text is never split. */
static enum router_verdict split(struct path *path, const char *text, size_t length, char *scratch)
{
    const char *end = text + length;
    assert(length > 0 && text[0] == '/');
    path->count = 0;
    while (text != NULL) {
        const char *segment = text + 1;
        text = memchr(segment, '/', (size_t) (end - segment));
        size_t raw_length = text == NULL ? (size_t) (end - segment) : (size_t) (text - segment);
        if (path->count == ROUTER_SEGMENTS_MAX) {
            return ROUTER_NOT_FOUND;
        }
        if (raw_length > 0) {
            memcpy(scratch, segment, raw_length);
        }
        int64_t decoded = http_percent_decode(scratch, raw_length, false);
        if (decoded < 0 || !decode_is_utf8(scratch, (size_t) decoded)) {
            return ROUTER_BAD_PATH;
        }
        size_t used = (size_t) decoded;
        if ((used == 1 && scratch[0] == '.') || (used == 2 && memcmp(scratch, "..", 2) == 0)) {
            return ROUTER_NOT_FOUND; /* dot segments are refused, escaped or not: nothing here is relative */
        }
        scratch[used] = '\0';
        path->segments[path->count++] = (struct router_text){.text = scratch, .length = used};
        scratch += used + 1;
    }
    return ROUTER_FOUND;
}

/* Depth first, literals before the parameter; as deep as the longest pattern. */
static const struct node *walk(struct router_match *match, const struct node *node, const struct path *path,
                               size_t depth)
{
    if (depth == path->count) {
        return node_methods(node) != 0 ? node : NULL;
    }
    const struct router_text *segment = &path->segments[depth];
    const struct node *child = find_literal(node, segment->text, segment->length);
    const struct node *found = child == NULL ? NULL : walk(match, child, path, depth + 1);
    if (found != NULL || node->parameter_child == NULL || segment->length == 0) {
        return found;
    }
    match->parameters[match->parameter_count++] = *segment;
    found = walk(match, node->parameter_child, path, depth + 1);
    if (found == NULL) {
        match->parameter_count--;
    }
    return found;
}

/* The path is unknown: would it be known with its final slash toggled? */
static enum router_verdict try_slash(struct router_match *match, const struct router *router, struct path *path)
{
    bool has_slash = path->count > 1 && path->segments[path->count - 1].length == 0;
    if (has_slash) {
        path->count--;
    } else {
        path->segments[path->count++] = (struct router_text){.text = "", .length = 0};
    }
    if (walk(match, &router->root, path, 0) == NULL) {
        return ROUTER_NOT_FOUND;
    }
    match->parameter_count = 0;
    return has_slash ? ROUTER_REMOVE_SLASH : ROUTER_ADD_SLASH;
}

void router_find(struct router_match *match, const struct router *router, enum http_method method, const char *path,
                 size_t length, char *scratch)
{
    struct path parts;
    match->route = NULL;
    match->allowed = 0;
    match->parameter_count = 0;
    match->verdict = split(&parts, path, length, scratch);
    if (match->verdict != ROUTER_FOUND) {
        return;
    }
    const struct node *node = walk(match, &router->root, &parts, 0);
    if (node == NULL) {
        match->verdict = try_slash(match, router, &parts);
    } else if ((unsigned) method >= HTTP_METHOD_COUNT || node->routes[method] == NULL) {
        match->verdict = ROUTER_BAD_METHOD;
        match->allowed = node_methods(node);
    } else {
        match->route = node->routes[method];
    }
}

void router_append_allowed(struct buffer *out, unsigned allowed)
{
    const char *separator = "";
    for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++) {
        if ((allowed & (1U << i)) != 0) {
            buffer_append_text(out, separator);
            buffer_append_text(out, allowed_names[i]);
            separator = ", ";
        }
    }
}
