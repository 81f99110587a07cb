/* Reading JSON: a thin face before cJSON.
 * Not here: writing (json.c), reading without a tree (walk.c). */
#include "digitalism/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#define INTEGER_MAX 9007199254740992.0 /* 2^53: numbers are kept as doubles */

static const cJSON *node_of(const struct json_value *value)
{
    return (const cJSON *) value;
}

static const struct json_value *value_of(const cJSON *node)
{
    return (const struct json_value *) node;
}

static const cJSON *find(const struct json_value *object, const char *name)
{
    return cJSON_IsObject(node_of(object)) ? cJSON_GetObjectItemCaseSensitive(node_of(object), name) : NULL;
}

int json_parse(struct json_value **out, const char *text, size_t length, struct err *err)
{
    const char *end = text;
    cJSON *node = length == 0 ? NULL : cJSON_ParseWithLengthOpts(text, length, &end, 0);
    if (node != NULL) {
        while (end < text + length && strchr(" \t\r\n", *end) != NULL && *end != '\0') {
            end += 1;
        }
    }
    if (node == NULL || end != text + length) {
        cJSON_Delete(node);
        return err_set(err, ERR_CONFIG, "this is no JSON from byte %zu on", (size_t) (end - text) + 1);
    }
    *out = (struct json_value *) node;
    return 0;
}

void json_free(struct json_value *value)
{
    cJSON_Delete((cJSON *) value);
}

const struct json_value *json_member(const struct json_value *object, const char *name)
{
    return value_of(find(object, name));
}

const struct json_value *json_first(const struct json_value *array)
{
    return cJSON_IsArray(node_of(array)) ? value_of(node_of(array)->child) : NULL;
}

const struct json_value *json_next(const struct json_value *item)
{
    return item == NULL ? NULL : value_of(node_of(item)->next);
}

bool json_is_object(const struct json_value *value)
{
    return cJSON_IsObject(node_of(value)) != 0;
}

const char *json_member_text(const struct json_value *object, const char *name)
{
    const cJSON *node = find(object, name);
    return cJSON_IsString(node) ? node->valuestring : NULL;
}

bool json_member_true(const struct json_value *object, const char *name)
{
    return cJSON_IsTrue(find(object, name)) != 0;
}

bool json_is_array(const struct json_value *value)
{
    return cJSON_IsArray(node_of(value)) != 0;
}

bool json_member_number(const struct json_value *object, const char *name, double *out)
{
    const cJSON *node = find(object, name);
    if (!cJSON_IsNumber(node) || !isfinite(node->valuedouble)) {
        return false;
    }
    *out = node->valuedouble;
    return true;
}

bool json_unquote(struct buffer *out, struct json_span quoted)
{
    if (quoted.length < 2 || quoted.text[0] != '"' || quoted.text[quoted.length - 1] != '"') {
        return false;
    }
    if (memchr(quoted.text, '\\', quoted.length) == NULL) {
        buffer_append(out, quoted.text + 1, quoted.length - 2);
        return true;
    }
    cJSON *node = cJSON_ParseWithLength(quoted.text, quoted.length);
    bool is_text = cJSON_IsString(node);
    if (is_text) {
        buffer_append_text(out, node->valuestring);
    }
    cJSON_Delete(node);
    return is_text;
}

bool json_member_integer(const struct json_value *object, const char *name, int64_t *out)
{
    const cJSON *node = find(object, name);
    if (!cJSON_IsNumber(node) || !(node->valuedouble >= -INTEGER_MAX && node->valuedouble <= INTEGER_MAX) ||
        (double) (int64_t) node->valuedouble != node->valuedouble) {
        return false;
    }
    *out = (int64_t) node->valuedouble;
    return true;
}
