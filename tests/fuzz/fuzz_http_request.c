/* Received bytes through reader and router, whole and in pieces: no crash, and the same outcome for every split.
 * Not here: sockets. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/reader.h"
#include "http/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = {
    .request_line_bytes = 256, .header_bytes = 512, .header_count = 8, .body_bytes = 128};

static void handler(struct http_exchange *exchange, void *context)
{
    (void) exchange;
    (void) context;
}

static const struct http_route routes[] = {
    {HTTP_METHOD_GET, "/", handler},
    {HTTP_METHOD_GET, "/cities/", handler},
    {HTTP_METHOD_POST, "/cities/", handler},
    {HTTP_METHOD_GET, "/cities/{id}", handler},
    {HTTP_METHOD_PUT, "/cities/{id}", handler},
    {HTTP_METHOD_POST, "/cities/bulk", handler},
    {HTTP_METHOD_GET, "/cities/by-name/{name}", handler},
};

static const struct router *table(void)
{
    static struct router *router;
    if (router == NULL && router_new(&router, routes, sizeof(routes) / sizeof(routes[0]), NULL) < 0) {
        abort();
    }
    return router;
}

/* Writes down all that a handler could see of the request. */
static void note(struct buffer *out, struct request *request)
{
    struct router_match match;
    BUFFER_AUTO scratch = BUFFER_EMPTY;
    buffer_append_format(out, "%s %s %d %d ", request->method_name, request->path, request->keep_alive,
                         request->head_only);
    for (size_t i = 0; i < request->field_count; i++) {
        buffer_append_format(out, "%s=%s ", request->fields[i].name, request->fields[i].value);
    }
    buffer_append(out, request->body.data, request->body.length);
    if (!request->is_asterisk) {
        char *room = buffer_reserve(&scratch, request->path_length);
        router_find(&match, table(), request->method, request->path, request->path_length, room);
        buffer_append_format(out, " %d %zu", (int) match.verdict, match.parameter_count);
        for (size_t i = 0; i < match.parameter_count; i++) {
            buffer_append(out, match.parameters[i].text, match.parameters[i].length + 1);
        }
    }
    buffer_append_text(out, request_target(request));
    request_clear(request);
}

static void read_in_pieces(struct buffer *out, const char *data, size_t size, size_t piece)
{
    struct reader reader;
    struct request request = {.method_name = ""};
    size_t at = 0;
    reader_init(&reader);
    while (at < size) {
        size_t end = size - at < piece ? size : at + piece;
        while (at < end) {
            size_t used = 0;
            enum reader_event event = reader_feed(&reader, &request, &limits, data + at, end - at, &used);
            if (used == 0 || used > end - at) {
                abort();
            }
            at += used;
            if (event == READER_COMPLETE) {
                note(out, &request);
            } else if (event == READER_REFUSED) {
                buffer_append_format(out, " refused %d", reader.status);
                at = end = size;
            }
        }
    }
    request_done(&request);
}

/* The first byte gives the size of the pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BUFFER_AUTO whole = BUFFER_EMPTY;
    BUFFER_AUTO pieces = BUFFER_EMPTY;
    if (size < 1) {
        return 0;
    }
    read_in_pieces(&whole, (const char *) data + 1, size - 1, SIZE_MAX);
    read_in_pieces(&pieces, (const char *) data + 1, size - 1, (size_t) data[0] % 64 + 1);
    if (whole.length != pieces.length || (whole.length > 0 && memcmp(whole.data, pieces.data, whole.length) != 0)) {
        abort();
    }
    return 0;
}
