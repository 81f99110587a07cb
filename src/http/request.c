/* Understanding a complete request head: llhttp judges the grammar; the checks that a proxy in front may make
 * otherwise (request smuggling: RFC 9112, 11.2) are our own, since llhttp's differ between its versions and builds.
 * Not here: limits on lines and their number (reader.c). */
#include "http/request.h"

#include <assert.h>
#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What one request keeps for the next one in its place. */
#define KEPT_BYTES_MAX 16384

static bool is_visible(unsigned char byte)
{
    return byte > 0x20 && byte < 0x7F;
}

/* Apart from the line ends, which are whole, a head has no control characters but tabs. */
static bool has_stray_controls(const char *text, size_t length)
{
    size_t controls = 0;
    size_t line_ends = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char) text[i];
        controls += (byte < 0x20 && byte != '\t') || byte == 0x7F;
        line_ends += byte == '\n';
    }
    /* The reader has seen to it that a CR is before each LF. */
    return controls != 2 * line_ends;
}

/* `GET /path?query HTTP/1.1`, exactly one space between the parts. Cuts the line into its texts. */
static int parse_request_line(struct request *request, char *line, size_t length)
{
    static const char version_start[] = "HTTP/";
    char *method_end = memchr(line, ' ', length);
    if (method_end == NULL || method_end == line) {
        return 400;
    }
    char *target = method_end + 1;
    char *target_end = memchr(target, ' ', (size_t) (line + length - target));
    if (target_end == NULL || target_end == target) {
        return 400;
    }
    const char *version = target_end + 1;
    size_t version_length = (size_t) (line + length - version);
    if (version_length != 8 || memcmp(version, version_start, 5) != 0 || version[6] != '.') {
        return 400;
    }
    if (version[5] != '1' || (version[7] != '0' && version[7] != '1')) {
        return version[5] >= '0' && version[5] <= '9' && version[7] >= '0' && version[7] <= '9' ? 505 : 400;
    }
    for (const char *at = target; at < target_end; at++) {
        unsigned char byte = (unsigned char) *at;
        if ((!is_visible(byte) && byte < 0x80) || byte == '#') {
            return 400; /* bytes of unescaped UTF-8 are let through: people type accents */
        }
    }
    request->is_http_1_0 = version[7] == '0';
    *method_end = '\0';
    *target_end = '\0';
    request->method_name = line;
    request->target = target;
    request->path_length = (size_t) (target_end - target);
    return 0;
}

static int parse_method(struct request *request)
{
    static const char *const names[] = {
        [HTTP_METHOD_GET] = "GET",
        [HTTP_METHOD_POST] = "POST",
        [HTTP_METHOD_PUT] = "PUT",
        [HTTP_METHOD_DELETE] = "DELETE",
    };
    static_assert(sizeof(names) / sizeof(names[0]) == HTTP_METHOD_COUNT, "every method has a name");
    request->head_only = strcmp(request->method_name, "HEAD") == 0;
    request->method = HTTP_METHOD_GET;
    while (!request->head_only && request->method < HTTP_METHOD_COUNT &&
           strcmp(request->method_name, names[request->method]) != 0) {
        request->method++;
    }
    return 0;
}

/* The forms of RFC 9112, 3.2: a path, an absolute http URI, or the asterisk of OPTIONS. */
static int parse_target(struct request *request)
{
    char *path = request->target;
    size_t length = request->path_length;
    if (strcmp(path, "*") == 0) {
        request->is_asterisk = true;
        request->path = path;
        return strcmp(request->method_name, "OPTIONS") == 0 ? 0 : 400;
    }
    if (path[0] != '/') {
        static const char scheme[] = "http://";
        if (strncasecmp(path, scheme, sizeof(scheme) - 1) != 0) {
            return 400;
        }
        char *authority = path + sizeof(scheme) - 1;
        path = authority + strcspn(authority, "/?");
        if (path == authority) {
            return 400;
        }
        length -= (size_t) (path - request->target);
    }
    char *question = memchr(path, '?', length);
    request->path = path;
    request->path_length = question == NULL ? length : (size_t) (question - path);
    if (question != NULL) {
        request->query = question + 1;
        request->query_length = length - request->path_length - 1;
        *question = '\0';
    }
    if (request->path_length == 0) {
        request->path = "/";
        request->path_length = 1;
    }
    return 0;
}

static bool append_field(struct request *request, const char *name, const char *value)
{
    if (request->field_count == request->field_capacity) {
        size_t capacity = request->field_capacity == 0 ? 16 : request->field_capacity * 2;
        struct request_field *fields = realloc(request->fields, capacity * sizeof(*fields));
        if (fields == NULL) {
            return false;
        }
        request->fields = fields;
        request->field_capacity = capacity;
    }
    request->fields[request->field_count++] = (struct request_field){.name = name, .value = value};
    return true;
}

bool request_is_token(char character)
{
    /* A bit for each of the 128 characters of ASCII. */
    static const uint64_t bits[2] = {UINT64_C(0x03FF6CFA00000000), UINT64_C(0x57FFFFFFC7FFFFFE)};
    unsigned char byte = (unsigned char) character;
    return byte < 128 && (bits[byte >> 6] >> (byte & 63) & 1) != 0;
}

static bool is_field_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!request_is_token(text[i])) {
            return false;
        }
    }
    return length > 0;
}

/* `Name: value`; no folded lines, no space before the colon. */
static int parse_field_line(struct request *request, char *line, size_t length)
{
    char *colon = memchr(line, ':', length);
    if (colon == NULL || !is_field_name(line, (size_t) (colon - line))) {
        return 400;
    }
    char *value = colon + 1;
    char *end = line + length;
    while (value < end && (*value == ' ' || *value == '\t')) {
        value++;
    }
    while (end > value && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    *colon = '\0';
    *end = '\0'; /* at the latest where the line's CR was */
    return append_field(request, line, value) ? 0 : 503;
}

/* One number, digits only: no sign, no list, no white space inside. */
static int parse_content_length(const char *text, uint64_t *out)
{
    uint64_t number = 0;
    if (text[0] == '\0') {
        return 400;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || number > (UINT64_MAX - 9) / 10) {
            return 400;
        }
        number = number * 10 + (uint64_t) (*text - '0');
    }
    *out = number;
    return 0;
}

static bool is_host(const char *text)
{
    for (; *text != '\0'; text++) {
        if (!is_visible((unsigned char) *text) || strchr("/?#@\\,\"<>{}|^`", *text) != NULL) {
            return false;
        }
    }
    return true;
}

static bool is_request_id(const char *text)
{
    size_t length = 0;
    for (; text[length] != '\0'; length++) {
        if (!is_visible((unsigned char) text[length])) {
            return false;
        }
    }
    return length > 0 && length <= REQUEST_ID_BYTES_MAX;
}

struct field_counts {
    unsigned host, content_length, transfer_encoding;
};

/* The fields that say where the request ends and where it is meant for. */
static int understand_field(struct request *request, struct field_counts *counts, const struct request_field *field)
{
    const char *name = field->name;
    if (strcasecmp(name, "Host") == 0) {
        counts->host++;
        return is_host(field->value) ? 0 : 400;
    }
    if (strcasecmp(name, "Content-Length") == 0) {
        counts->content_length++;
        return parse_content_length(field->value, &request->content_length);
    }
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        counts->transfer_encoding++;
        request->chunked = true;
        return strcasecmp(field->value, "chunked") == 0 ? 0 : 400;
    }
    if (strcasecmp(name, "Expect") == 0 && !request->is_http_1_0) {
        request->expects_continue = true;
        return strcasecmp(field->value, "100-continue") == 0 ? 0 : 417;
    }
    if (strcasecmp(name, "X-Request-ID") == 0 && is_request_id(field->value)) {
        request->request_id = field->value;
    }
    return 0;
}

static int understand_fields(struct request *request, const struct http_limits *limits)
{
    struct field_counts counts = {0};
    for (size_t i = 0; i < request->field_count; i++) {
        int status = understand_field(request, &counts, &request->fields[i]);
        if (status != 0) {
            return status;
        }
    }
    if (counts.host > 1 || (counts.host == 0 && !request->is_http_1_0)) {
        return 400;
    }
    if (counts.content_length + counts.transfer_encoding > 1 || (request->chunked && request->is_http_1_0)) {
        return 400;
    }
    return request->content_length > limits->body_bytes ? 413 : 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct request *request = parser->data;
    request->keep_alive = llhttp_should_keep_alive(parser) != 0;
    return 0;
}

/* Shows llhttp an `x` for each byte of the request line that is not ASCII: some versions refuse them, some do not. */
static llhttp_errno_t execute(llhttp_t *parser, const char *text, size_t length, size_t line_length)
{
    size_t at = 0;
    for (size_t i = 0; i < line_length; i++) {
        if ((unsigned char) text[i] < 0x80) {
            continue;
        }
        if (llhttp_execute(parser, text + at, i - at) != HPE_OK || llhttp_execute(parser, "x", 1) != HPE_OK) {
            return llhttp_get_errno(parser);
        }
        at = i + 1;
    }
    return llhttp_execute(parser, text + at, length - at);
}

/* A parser lives for one head only, so that an idle connection needs none. */
static int judge_grammar(struct request *request, size_t line_length)
{
    static const llhttp_settings_t settings = {.on_headers_complete = on_headers_complete};
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = request;
    llhttp_errno_t outcome = execute(&parser, request->head.data, request->head.length, line_length);
    /* An upgrade is what a client may offer and we need not take (RFC 9110, 7.8). */
    return outcome == HPE_OK || outcome == HPE_PAUSED_UPGRADE ? 0 : 400;
}

int request_parse(struct request *request, const struct http_limits *limits)
{
    char *line = request->head.data;
    const char *end = line + request->head.length;
    if (has_stray_controls(line, request->head.length)) {
        return 400;
    }
    char *line_end = memchr(line, '\r', request->head.length);
    assert(line_end != NULL);
    size_t first_length = (size_t) (line_end - line);
    /* Before the cuts, and behind the version, for which llhttp has no status of its own. */
    bool is_other_version = first_length > 8 && memcmp(line_end - 8, "HTTP/", 5) == 0 && line_end[-3] != '1';
    int status = is_other_version ? 0 : judge_grammar(request, first_length);
    if (status == 0) {
        status = parse_request_line(request, line, first_length);
    }
    if (status == 0) {
        status = parse_method(request);
    }
    for (line = line_end + 2; status == 0 && line < end - 2; line = line_end + 2) {
        line_end = memchr(line, '\r', (size_t) (end - line));
        status = parse_field_line(request, line, (size_t) (line_end - line));
    }
    if (status == 0) {
        status = parse_target(request);
    }
    return status != 0 ? status : understand_fields(request, limits);
}

const char *request_header(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->field_count; i++) {
        if (strcasecmp(request->fields[i].name, name) == 0) {
            return request->fields[i].value;
        }
    }
    return NULL;
}

const char *request_target(struct request *request)
{
    if (request->query != NULL) {
        request->query[-1] = '?';
    }
    return request->target == NULL ? "" : request->target;
}

static void clear_kept(struct buffer *buffer)
{
    if (buffer->capacity > KEPT_BYTES_MAX) {
        buffer_done(buffer);
    } else {
        buffer_clear(buffer);
    }
}

void request_clear(struct request *request)
{
    clear_kept(&request->head);
    clear_kept(&request->body);
    *request = (struct request){
        .head = request->head,
        .body = request->body,
        .fields = request->fields,
        .field_capacity = request->field_capacity,
        .method_name = "",
        .method = HTTP_METHOD_COUNT,
        .path = "",
    };
}

void request_done(struct request *request)
{
    buffer_done(&request->head);
    buffer_done(&request->body);
    free(request->fields);
    *request = (struct request){.method_name = "", .method = HTTP_METHOD_COUNT, .path = ""};
}
