/* Building JSON text. Not here: the escape of one string (base/buffer.h), which the log needs too. */
#ifndef DIGITALISM_JSON_H
#define DIGITALISM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"

/* Writes one JSON value into a buffer, putting commas by itself. Keys and texts are UTF-8. Needs no release. */
struct json_writer {
    struct buffer *out;
    bool comma; /* the next value stands behind another one */
};
struct json_writer json_writer_init(struct buffer *out);

void json_open_object(struct json_writer *writer);
void json_close_object(struct json_writer *writer);
void json_open_array(struct json_writer *writer);
void json_close_array(struct json_writer *writer);
void json_key(struct json_writer *writer, const char *key); /* a plain ASCII literal: it is not escaped */
void json_text(struct json_writer *writer, const char *text, size_t length);
void json_string(struct json_writer *writer, const char *text); /* NUL-terminated; NULL writes null */
void json_integer(struct json_writer *writer, int64_t number);
void json_boolean(struct json_writer *writer, bool is_true);
void json_null(struct json_writer *writer);
void json_raw(struct json_writer *writer, const char *json, size_t length); /* what is already JSON, such as a number */

#endif
