/* One request with its answer on the way: what handlers see of it, and the answers that need no handler.
 * Not here: the order of answers (connection.c). */
#include "http/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/base/clock.h"
#include "http/connection.h"
#include "http/decode.h"
#include "http/server.h"

/* What one exchange keeps for the next one in its place. */
#define KEPT_BYTES_MAX 16384

static void make_id(struct http_exchange *exchange)
{
    static const char digits[] = "0123456789abcdef";
    /* An odd multiplier makes neighbours look unlike each other without ever giving an id twice. */
    uint64_t number = exchange->server->next_id++ * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = EXCHANGE_ID_SIZE - 1; i-- > 0; number >>= 4) {
        exchange->own_id[i] = digits[number & 15];
    }
    exchange->own_id[EXCHANGE_ID_SIZE - 1] = '\0';
}

struct http_exchange *exchange_new(struct http_server *server, struct http_connection *connection)
{
    struct http_exchange *exchange = server->unused;
    if (exchange != NULL) {
        server->unused = exchange->next;
        server->unused_count--;
    } else {
        exchange = calloc(1, sizeof(*exchange));
        if (exchange == NULL) {
            return NULL;
        }
        request_clear(&exchange->request);
    }
    exchange->server = server;
    exchange->connection = connection;
    exchange->next = NULL;
    exchange->live_previous = NULL;
    exchange->live_next = server->live;
    if (server->live != NULL) {
        server->live->live_previous = exchange;
    }
    server->live = exchange;
    exchange->started_us = clock_now_us();
    make_id(exchange);
    return exchange;
}

const char *exchange_id(const struct http_exchange *exchange)
{
    return exchange->request.request_id != NULL ? exchange->request.request_id : exchange->own_id;
}

static void tell_access(struct http_exchange *exchange)
{
    const struct http_options *options = &exchange->server->options;
    if (options->access_log == NULL || exchange->status == 0) {
        return;
    }
    struct http_access access = {
        .client = exchange->connection == NULL ? exchange->client : exchange->connection->client,
        .method = exchange->request.method_name,
        .target = request_target(&exchange->request),
        .request_id = exchange_id(exchange),
        .status = exchange->status,
        .body_bytes = exchange->body_bytes,
        .duration_us = clock_now_us() - exchange->started_us,
    };
    options->access_log(&access, options->context);
}

static void clear_kept(struct buffer *buffer)
{
    if (buffer->capacity > KEPT_BYTES_MAX) {
        buffer_done(buffer);
    } else {
        buffer_clear(buffer);
    }
}

/* Forgets the content and keeps the memory for the next request. */
static void clear(struct http_exchange *exchange)
{
    request_clear(&exchange->request);
    clear_kept(&exchange->decoded);
    clear_kept(&exchange->queries);
    clear_kept(&exchange->headers);
    clear_kept(&exchange->body);
    *exchange = (struct http_exchange){
        .request = exchange->request,
        .decoded = exchange->decoded,
        .queries = exchange->queries,
        .headers = exchange->headers,
        .body = exchange->body,
    };
}

void exchange_release(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    tell_access(exchange);
    if (exchange->live_previous == NULL) {
        server->live = exchange->live_next;
    } else {
        exchange->live_previous->live_next = exchange->live_next;
    }
    if (exchange->live_next != NULL) {
        exchange->live_next->live_previous = exchange->live_previous;
    }
    if (server->unused_count >= SERVER_UNUSED_EXCHANGES_MAX) {
        exchange_free(exchange);
        return;
    }
    clear(exchange);
    exchange->next = server->unused;
    server->unused = exchange;
    server->unused_count++;
}

void exchange_free(struct http_exchange *exchange)
{
    request_done(&exchange->request);
    buffer_done(&exchange->decoded);
    buffer_done(&exchange->queries);
    buffer_done(&exchange->headers);
    buffer_done(&exchange->body);
    free(exchange);
}

/* Appends bytes that are not ASCII as escapes: a Location is one (RFC 3986). */
static void append_ascii(struct buffer *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char) text[i];
        if (byte < 0x80) {
            buffer_append_char(out, text[i]);
        } else {
            buffer_append_format(out, "%%%02X", byte);
        }
    }
}

static void redirect(struct http_exchange *exchange)
{
    const struct request *request = &exchange->request;
    BUFFER_AUTO location = BUFFER_EMPTY;
    bool adds = exchange->match.verdict == ROUTER_ADD_SLASH;
    append_ascii(&location, request->path, adds ? request->path_length : request->path_length - 1);
    if (adds) {
        buffer_append_char(&location, '/');
    }
    if (request->query != NULL) {
        buffer_append_char(&location, '?');
        append_ascii(&location, request->query, request->query_length);
    }
    if (buffer_failed(&location)) {
        http_respond_error(exchange, 503);
        return;
    }
    http_respond_header(exchange, "Location", buffer_text(&location));
    http_respond_error(exchange, 307);
}

static void refuse_method(struct http_exchange *exchange, unsigned allowed)
{
    BUFFER_AUTO text = BUFFER_EMPTY;
    router_append_allowed(&text, allowed);
    http_respond_header(exchange, "Allow", buffer_text(&text));
    http_respond_error(exchange, 405);
}

void exchange_dispatch(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    const struct request *request = &exchange->request;
    server->in_flight++;
    if (request->is_asterisk) {
        refuse_method(exchange, router_methods(server->router));
        return;
    }
    /* All that is ever decoded, at once, so that no text moves later: the path, and each query pair with two NULs. */
    char *scratch = buffer_reserve(&exchange->decoded, request->path_length + 1 + 2 * request->query_length + 2);
    if (scratch == NULL) {
        http_respond_error(exchange, 503);
        return;
    }
    router_find(&exchange->match, server->router, request->method, request->path, request->path_length, scratch);
    switch (exchange->match.verdict) {
    case ROUTER_FOUND:
        exchange->match.route->handler(exchange, server->options.context);
        break;
    case ROUTER_BAD_PATH:
        http_respond_error(exchange, 400);
        break;
    case ROUTER_BAD_METHOD:
        refuse_method(exchange, exchange->match.allowed);
        break;
    case ROUTER_ADD_SLASH:
    case ROUTER_REMOVE_SLASH:
        redirect(exchange);
        break;
    case ROUTER_NOT_FOUND:
        http_respond_error(exchange, 404);
        break;
    }
}

const char *http_method(const struct http_exchange *exchange)
{
    return exchange->request.method_name;
}

const char *http_path(const struct http_exchange *exchange)
{
    return exchange->request.path;
}

const char *http_path_parameter(const struct http_exchange *exchange, size_t n, size_t *length)
{
    assert(n < exchange->match.parameter_count);
    if (length != NULL) {
        *length = exchange->match.parameters[n].length;
    }
    return exchange->match.parameters[n].text;
}

/* The first question for a parameter decodes them all, since most requests ask for none. */
static void decode_queries(struct http_exchange *exchange)
{
    const char *rest = exchange->request.query;
    size_t rest_length = exchange->request.query_length;
    char *out = exchange->decoded.data + exchange->request.path_length + 1;
    struct decode_pair pair;
    while (decode_query_next(&pair, &rest, &rest_length, &out)) {
        buffer_append(&exchange->queries, &pair, sizeof(pair));
    }
    exchange->query_is_decoded = true;
}

const char *http_query(const struct http_exchange *exchange, const char *name, size_t *length)
{
    size_t name_length = strlen(name);
    if (exchange->request.query == NULL) {
        return NULL;
    }
    if (!exchange->query_is_decoded) {
        decode_queries((struct http_exchange *) (uintptr_t) exchange); /* no exchange is ever a const object */
    }
    const struct decode_pair *pairs = (const struct decode_pair *) (const void *) exchange->queries.data;
    for (size_t i = exchange->queries.length / sizeof(*pairs); i-- > 0;) {
        if (pairs[i].name_length == name_length && memcmp(pairs[i].name, name, name_length) == 0) {
            if (length != NULL) {
                *length = pairs[i].value_length;
            }
            return pairs[i].value;
        }
    }
    return NULL;
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
    return request_header(&exchange->request, name);
}

const char *http_body(const struct http_exchange *exchange, size_t *length)
{
    *length = exchange->request.body.length;
    return buffer_text(&exchange->request.body);
}

void http_respond_header(struct http_exchange *exchange, const char *name, const char *value)
{
    response_append_header(&exchange->headers, name, value);
}

void http_respond(struct http_exchange *exchange, int status, const char *content_type, const char *body, size_t length)
{
    assert(!exchange->answered && status >= 200 && status <= 599);
    if (content_type != NULL) {
        response_append_header(&exchange->headers, "Content-Type", content_type);
    }
    exchange->answered = true;
    exchange->status = status;
    exchange->server->in_flight--;
    if (exchange->connection == NULL) {
        exchange_release(exchange);
        return;
    }
    connection_answer(exchange->connection, exchange, body, length);
}

void http_respond_error(struct http_exchange *exchange, int status)
{
    const struct http_options *options = &exchange->server->options;
    struct buffer *body = &exchange->server->scratch;
    buffer_clear(body);
    options->error_body(body, status, options->context);
    http_respond(exchange, status, options->error_content_type, buffer_text(body), body->length);
}
