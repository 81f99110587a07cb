/* A strict scanner that finds the members of one large object where they stand.
 * Not here: what the values mean; trees (read.c). */
#include "digitalism/json.h"

#include <string.h>

#define DEPTH_MAX 100

/* What is left of the text. */
struct scan {
    const char *at;
    const char *end;
};

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r' || *scan->at == '\n')) {
        scan->at += 1;
    }
}

static bool take(struct scan *scan, char character)
{
    if (scan->at == scan->end || *scan->at != character) {
        return false;
    }
    scan->at += 1;
    return true;
}

static bool take_word(struct scan *scan, const char *word)
{
    size_t length = strlen(word);
    if ((size_t) (scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0) {
        return false;
    }
    scan->at += length;
    return true;
}

static size_t take_digits(struct scan *scan)
{
    const char *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        scan->at += 1;
    }
    return (size_t) (scan->at - start);
}

static bool take_number(struct scan *scan)
{
    (void) take(scan, '-');
    if (take_word(scan, "Infinity")) {
        return true;
    }
    const char *start = scan->at;
    size_t digits = take_digits(scan);
    if (digits == 0 || (digits > 1 && *start == '0')) {
        return false;
    }
    if (take(scan, '.') && take_digits(scan) == 0) {
        return false;
    }
    if (take(scan, 'e') || take(scan, 'E')) {
        (void) (take(scan, '+') || take(scan, '-'));
        return take_digits(scan) > 0;
    }
    return true;
}

static bool take_escape(struct scan *scan)
{
    if (take(scan, 'u')) {
        for (int i = 0; i < 4; i++) {
            if (scan->at == scan->end || *scan->at == '\0' || strchr("0123456789abcdefABCDEF", *scan->at) == NULL) {
                return false;
            }
            scan->at += 1;
        }
        return true;
    }
    if (scan->at == scan->end || *scan->at == '\0' || strchr("\"\\/bfnrt", *scan->at) == NULL) {
        return false;
    }
    scan->at += 1;
    return true;
}

static bool take_string(struct scan *scan)
{
    if (!take(scan, '"')) {
        return false;
    }
    while (scan->at < scan->end && (unsigned char) *scan->at >= ' ') {
        if (take(scan, '"')) {
            return true;
        }
        bool is_escape = *scan->at == '\\';
        scan->at += 1;
        if (is_escape && !take_escape(scan)) {
            return false;
        }
    }
    return false;
}

static bool take_value(struct scan *scan, unsigned depth);

/* What stands between the brackets, and the closing one. */
static bool take_items(struct scan *scan, char closing, unsigned depth)
{
    skip_space(scan);
    if (take(scan, closing)) {
        return true;
    }
    do {
        skip_space(scan);
        if (closing == '}') {
            if (!take_string(scan)) {
                return false;
            }
            skip_space(scan);
            if (!take(scan, ':')) {
                return false;
            }
            skip_space(scan);
        }
        if (!take_value(scan, depth)) {
            return false;
        }
        skip_space(scan);
    } while (take(scan, ','));
    return take(scan, closing);
}

static bool take_value(struct scan *scan, unsigned depth)
{
    if (scan->at == scan->end || depth == DEPTH_MAX) {
        return false;
    }
    switch (*scan->at) {
    case '"':
        return take_string(scan);
    case '{':
        return take(scan, '{') && take_items(scan, '}', depth + 1);
    case '[':
        return take(scan, '[') && take_items(scan, ']', depth + 1);
    case 't':
        return take_word(scan, "true");
    case 'f':
        return take_word(scan, "false");
    case 'n':
        return take_word(scan, "null");
    case 'N':
        return take_word(scan, "NaN");
    default:
        return take_number(scan);
    }
}

/* One `"name": value`; false where there is none. */
static bool take_member(struct scan *scan, struct json_span *name, struct json_span *value)
{
    skip_space(scan);
    name->text = scan->at;
    if (!take_string(scan)) {
        return false;
    }
    name->length = (size_t) (scan->at - name->text);
    skip_space(scan);
    if (!take(scan, ':')) {
        return false;
    }
    skip_space(scan);
    value->text = scan->at;
    if (!take_value(scan, 1)) {
        return false;
    }
    value->length = (size_t) (scan->at - value->text);
    skip_space(scan);
    return true;
}

static int complain(const struct scan *scan, const char *text, struct err *err)
{
    return err_set(err, ERR_CONFIG, "this is no JSON object from byte %zu on", (size_t) (scan->at - text) + 1);
}

int json_walk(const char *text, size_t length, json_member_seen *seen, void *context, struct err *err)
{
    struct scan scan = {.at = text, .end = text + length};
    skip_space(&scan);
    if (!take(&scan, '{')) {
        return complain(&scan, text, err);
    }
    skip_space(&scan);
    bool more = !take(&scan, '}');
    while (more) {
        struct json_span name;
        struct json_span value;
        if (!take_member(&scan, &name, &value)) {
            return complain(&scan, text, err);
        }
        int result = seen(context, name, value);
        if (result < 0) {
            return result;
        }
        more = take(&scan, ',');
        if (!more && !take(&scan, '}')) {
            return complain(&scan, text, err);
        }
    }
    skip_space(&scan);
    return scan.at == scan.end ? 0 : complain(&scan, text, err);
}
