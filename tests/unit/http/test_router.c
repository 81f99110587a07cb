/* The routing table without a server: precedence, slashes, methods, and tables that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "http/router.h"

static void handler(struct http_exchange *exchange, void *context)
{
    (void) exchange;
    (void) context;
}

static const struct http_route routes[] = {
    {HTTP_METHOD_GET, "/", handler},
    {HTTP_METHOD_GET, "/health", handler},
    {HTTP_METHOD_GET, "/cities/", handler},
    {HTTP_METHOD_POST, "/cities/", handler},
    {HTTP_METHOD_GET, "/cities/{id}", handler},
    {HTTP_METHOD_DELETE, "/cities/{id}", handler},
    {HTTP_METHOD_POST, "/cities/bulk", handler},
    {HTTP_METHOD_GET, "/cities/by-name/{name}", handler},
    {HTTP_METHOD_GET, "/a/b/c", handler},
    {HTTP_METHOD_GET, "/a/{x}/d", handler},
    {HTTP_METHOD_GET, "/{p}/{q}/e/{r}", handler},
};

struct question {
    enum http_method method;
    enum router_verdict verdict;
    const char *path;
    const char *pattern;    /* of the route that is found */
    const char *parameters; /* joined by '|' */
};

static void check(const struct router *router, const struct question *question)
{
    struct router_match match;
    char scratch[256];
    BUFFER_AUTO parameters = BUFFER_EMPTY;
    print_message("%s\n", question->path);
    router_find(&match, router, question->method, question->path, strlen(question->path), scratch);
    assert_int_equal(match.verdict, question->verdict);
    assert_string_equal(match.route == NULL ? "" : match.route->pattern,
                        question->pattern == NULL ? "" : question->pattern);
    for (size_t i = 0; i < match.parameter_count; i++) {
        buffer_append_text(&parameters, i == 0 ? "" : "|");
        buffer_append(&parameters, match.parameters[i].text, match.parameters[i].length);
    }
    if (question->parameters != NULL) {
        assert_string_equal(buffer_text(&parameters), question->parameters);
    }
}

/* Goal: every path has the one verdict that the table gives it. */
static void test_verdicts(void **state)
{
    static const struct question questions[] = {
        {HTTP_METHOD_GET, ROUTER_FOUND, "/", "/", ""},
        {HTTP_METHOD_GET, ROUTER_FOUND, "/health", "/health", ""},
        {HTTP_METHOD_GET, ROUTER_REMOVE_SLASH, "/health/", NULL, ""},
        {HTTP_METHOD_POST, ROUTER_REMOVE_SLASH, "/health/", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_ADD_SLASH, "/cities", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_FOUND, "/cities/", "/cities/", ""},
        {HTTP_METHOD_GET, ROUTER_REMOVE_SLASH, "/cities//", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_REMOVE_SLASH, "//", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_NOT_FOUND, "//cities/", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_FOUND, "/cities/7", "/cities/{id}", "7"},
        {HTTP_METHOD_GET, ROUTER_REMOVE_SLASH, "/cities/7/", NULL, ""},
        {HTTP_METHOD_POST, ROUTER_FOUND, "/cities/bulk", "/cities/bulk", ""},
        {HTTP_METHOD_GET, ROUTER_BAD_METHOD, "/cities/bulk", NULL, NULL},
        {HTTP_METHOD_POST, ROUTER_REMOVE_SLASH, "/cities/bulk/", NULL, ""},
        {HTTP_METHOD_POST, ROUTER_BAD_METHOD, "/cities/7", NULL, NULL},
        {HTTP_METHOD_COUNT, ROUTER_BAD_METHOD, "/cities/7", NULL, NULL},
        {HTTP_METHOD_COUNT, ROUTER_NOT_FOUND, "/nope", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_FOUND, "/cities/by-name/a%2Fb", "/cities/by-name/{name}", "a/b"},
        {HTTP_METHOD_GET, ROUTER_FOUND, "/cities/by-name/%2e%2e%2fx", "/cities/by-name/{name}", "../x"},
        {HTTP_METHOD_GET, ROUTER_REMOVE_SLASH, "/cities/by-name/", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_FOUND, "/cities/by%2Dname/x", "/cities/by-name/{name}", "x"},
        {HTTP_METHOD_GET, ROUTER_NOT_FOUND, "/cities%2F7", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_NOT_FOUND, "/cities/.", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_NOT_FOUND, "/cities/../health", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_NOT_FOUND, "/cities/%2E", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_FOUND, "/cities/...", "/cities/{id}", "..."},
        {HTTP_METHOD_GET, ROUTER_BAD_PATH, "/cities/%zz", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_BAD_PATH, "/cities/%ff", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_BAD_PATH, "/nope/%", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_FOUND, "/a/b/c", "/a/b/c", ""},
        {HTTP_METHOD_GET, ROUTER_FOUND, "/a/b/d", "/a/{x}/d", "b"},
        {HTTP_METHOD_GET, ROUTER_FOUND, "/a/b/e/f", "/{p}/{q}/e/{r}", "a|b|f"},
        {HTTP_METHOD_GET, ROUTER_NOT_FOUND, "/a//e/f", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_NOT_FOUND, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", NULL, ""},
        {HTTP_METHOD_GET, ROUTER_NOT_FOUND, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", NULL, ""},
    };
    struct router *router = NULL;
    struct err err = {0};
    (void) state;
    assert_int_equal(router_new(&router, routes, sizeof(routes) / sizeof(routes[0]), &err), 0);
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        check(router, &questions[i]);
    }
    router_free(router);
}

/* Goal: the Allow header lists what the path knows, HEAD beside GET. */
static void test_allowed_methods(void **state)
{
    struct router *router = NULL;
    struct router_match match;
    struct err err = {0};
    char scratch[64];
    BUFFER_AUTO text = BUFFER_EMPTY;
    (void) state;
    assert_int_equal(router_new(&router, routes, sizeof(routes) / sizeof(routes[0]), &err), 0);
    router_find(&match, router, HTTP_METHOD_PUT, "/cities/7", 9, scratch);
    router_append_allowed(&text, match.allowed);
    assert_string_equal(buffer_text(&text), "GET, HEAD, DELETE");
    buffer_clear(&text);
    router_append_allowed(&text, router_methods(router));
    assert_string_equal(buffer_text(&text), "GET, HEAD, POST, DELETE");
    router_free(router);
}

/* Goal: a table with a mistake is refused with the route's name. */
static void test_bad_tables_are_refused(void **state)
{
    static const struct http_route twice[] = {{HTTP_METHOD_GET, "/{a}", handler}, {HTTP_METHOD_GET, "/{b}", handler}};
    static const struct http_route no_slash[] = {{HTTP_METHOD_GET, "a", handler}};
    static const struct http_route too_long[] = {{HTTP_METHOD_GET, "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7", handler}};
    struct router *router = NULL;
    struct err err = {0};
    (void) state;
    assert_int_equal(router_new(&router, twice, 2, &err), -ERR_INTERNAL);
    assert_string_equal(err.message, "route /{b} is given twice");
    assert_int_equal(router_new(&router, no_slash, 1, &err), -ERR_INTERNAL);
    assert_string_equal(err.message, "route a is malformed");
    assert_int_equal(router_new(&router, too_long, 1, &err), -ERR_INTERNAL);
    assert_string_equal(err.message, "route /1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7 has too many segments");
    assert_null(router);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_allowed_methods),
        cmocka_unit_test(test_bad_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
