/* Path and query parameters into values, and their faults into FastAPI's 422 form.
 * Not here: bodies. */
#include "api/validate.h"

#include <assert.h>
#include <string.h>

#include "api/reply.h"

static const char *const place_names[] = {[API_PLACE_PATH] = "path", [API_PLACE_QUERY] = "query"};
static_assert(sizeof(place_names) / sizeof(place_names[0]) == API_PLACE_COUNT, "every place has a name");

void api_faults_init(struct api_faults *faults)
{
    *faults = (struct api_faults){.body = BUFFER_EMPTY, .count = 0};
}

void api_faults_done(struct api_faults *faults)
{
    buffer_done(&faults->body);
}

void api_faults_add(struct api_faults *faults, enum api_place place, const char *name, const char *type,
                    const char *message, const char *input, size_t length)
{
    struct json_writer *json = &faults->json;
    if (faults->count++ == 0) {
        *json = json_writer_init(&faults->body);
        json_open_object(json);
        json_key(json, "detail");
        json_open_array(json);
    }
    json_open_object(json);
    json_key(json, "type");
    json_string(json, type);
    json_key(json, "loc");
    json_open_array(json);
    json_string(json, place_names[place]);
    json_string(json, name);
    json_close_array(json);
    json_key(json, "msg");
    json_string(json, message);
    json_key(json, "input");
    json_text(json, input, length);
    json_close_object(json);
}

void api_faults_reply(struct api_faults *faults, struct http_exchange *exchange)
{
    assert(faults->count > 0);
    json_close_array(&faults->json);
    json_close_object(&faults->json);
    api_reply_json(exchange, 422, &faults->body);
    api_faults_done(faults);
}

static bool is_space(char character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

enum api_integer api_parse_integer(int64_t *out, const char *text, size_t length)
{
    while (length > 0 && is_space(text[0])) {
        text += 1;
        length -= 1;
    }
    while (length > 0 && is_space(text[length - 1])) {
        length -= 1;
    }
    bool is_negative = length > 0 && text[0] == '-';
    size_t i = length > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    if (i == length) {
        return API_INTEGER_MALFORMED;
    }
    /* Counted on the negative side, which is one longer. */
    int64_t number = 0;
    bool is_beyond = false;
    for (; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return API_INTEGER_MALFORMED;
        }
        is_beyond = is_beyond || __builtin_mul_overflow(number, (int64_t) 10, &number) ||
                    __builtin_sub_overflow(number, (int64_t) (text[i] - '0'), &number);
    }
    if (is_beyond || (!is_negative && number == INT64_MIN)) {
        return is_negative ? API_INTEGER_BELOW : API_INTEGER_ABOVE;
    }
    *out = is_negative ? number : -number;
    return API_INTEGER_VALID;
}

static void add_malformed(struct api_faults *faults, enum api_place place, const char *name, const char *text,
                          size_t length)
{
    api_faults_add(faults, place, name, "int_parsing", "Un nombre entier est attendu", text, length);
}

bool api_path_id(struct api_faults *faults, struct http_exchange *exchange, const char *name, int64_t *id)
{
    size_t length = 0;
    const char *text = http_path_parameter(exchange, 0, &length);
    int64_t number = 0;
    switch (api_parse_integer(&number, text, length)) {
    case API_INTEGER_MALFORMED:
        add_malformed(faults, API_PLACE_PATH, name, text, length);
        return false;
    case API_INTEGER_VALID:
        *id = number > 0 && number <= INT32_MAX ? number : 0;
        return true;
    case API_INTEGER_BELOW:
    case API_INTEGER_ABOVE:
        break;
    }
    *id = 0;
    return true;
}

bool api_query_count(struct api_faults *faults, struct http_exchange *exchange, const char *name, int64_t missing,
                     int64_t *out)
{
    size_t length = 0;
    const char *text = http_query(exchange, name, &length);
    if (text == NULL) {
        *out = missing;
        return true;
    }
    int64_t number = 0;
    enum api_integer kind = api_parse_integer(&number, text, length);
    if (kind == API_INTEGER_VALID && number >= 0) {
        *out = number;
        return true;
    }
    if (kind == API_INTEGER_MALFORMED) {
        add_malformed(faults, API_PLACE_QUERY, name, text, length);
    } else if (kind == API_INTEGER_ABOVE) {
        api_faults_add(faults, API_PLACE_QUERY, name, "less_than_equal",
                       "La valeur doit être inférieure ou égale à 9223372036854775807", text, length);
    } else {
        api_faults_add(faults, API_PLACE_QUERY, name, "greater_than_equal",
                       "La valeur doit être supérieure ou égale à 0", text, length);
    }
    return false;
}

bool api_text_valid(const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t step = utf8_length(text + i, length - i);
        if (step == 0 || text[i] == '\0') {
            return false;
        }
        i += step;
    }
    return true;
}
