/* The JSON writer.
 * Not here: escaping (base/buffer.c), reading. */
#include "digitalism/json.h"

#include <string.h>

struct json_writer json_writer_init(struct buffer *out)
{
    return (struct json_writer){.out = out, .comma = false};
}

/* Every value goes through here: it writes the comma that is due and makes one due for the next. */
static void value(struct json_writer *writer, const char *json, size_t length)
{
    if (writer->comma) {
        buffer_append_char(writer->out, ',');
    }
    buffer_append(writer->out, json, length);
    writer->comma = true;
}

void json_open_object(struct json_writer *writer)
{
    value(writer, "{", 1);
    writer->comma = false;
}

void json_close_object(struct json_writer *writer)
{
    buffer_append_char(writer->out, '}');
    writer->comma = true;
}

void json_open_array(struct json_writer *writer)
{
    value(writer, "[", 1);
    writer->comma = false;
}

void json_close_array(struct json_writer *writer)
{
    buffer_append_char(writer->out, ']');
    writer->comma = true;
}

void json_key(struct json_writer *writer, const char *key)
{
    value(writer, "\"", 1);
    buffer_append_text(writer->out, key);
    buffer_append(writer->out, "\":", 2);
    writer->comma = false;
}

void json_text(struct json_writer *writer, const char *text, size_t length)
{
    value(writer, "", 0);
    buffer_append_json_string(writer->out, text, length);
}

void json_string(struct json_writer *writer, const char *text)
{
    if (text == NULL) {
        json_null(writer);
    } else {
        json_text(writer, text, strlen(text));
    }
}

void json_integer(struct json_writer *writer, int64_t number)
{
    value(writer, "", 0);
    buffer_append_integer(writer->out, number);
}

void json_boolean(struct json_writer *writer, bool is_true)
{
    json_raw(writer, is_true ? "true" : "false", is_true ? 4 : 5);
}

void json_null(struct json_writer *writer)
{
    value(writer, "null", 4);
}

void json_raw(struct json_writer *writer, const char *json, size_t length)
{
    value(writer, json, length);
}
