/* Building JSON text, and reading it. The only user of cJSON.
 * Not here: the escape of one string (base/buffer.h), which the log needs too. */
#ifndef DIGITALISM_JSON_H
#define DIGITALISM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"

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

/* One value of a parsed text. The whole tree belongs to the value that json_parse() gave. */
struct json_value;

/* Parses one whole text (RFC 8259; nested at most 1,000 deep): -ERR_CONFIG naming the byte where it is none. The caller
 * knows how long a text it wants to take. Release with json_free(). */
int json_parse(struct json_value **out, const char *text, size_t length, struct err *err);
void json_free(struct json_value *value);

/* Looking into a value. NULL is a value without members, so that questions can be nested. What is missing or of another
 * type gives NULL, false or 0; names are told apart by case, and the first of several equal ones counts. */
const struct json_value *json_member(const struct json_value *object, const char *name);
const struct json_value *json_first(const struct json_value *array); /* NULL when it is empty */
const struct json_value *json_next(const struct json_value *item);   /* NULL behind the last */
bool json_is_object(const struct json_value *value);
const char *json_member_text(const struct json_value *object, const char *name); /* cut at a \u0000 */
bool json_member_true(const struct json_value *object, const char *name);
bool json_is_array(const struct json_value *value);
/* Any finite number. False leaves `*out` as it was. */
bool json_member_number(const struct json_value *object, const char *name, double *out);
/* A whole number of at most 2^53 in size. False leaves `*out` as it was. */
bool json_member_integer(const struct json_value *object, const char *name, int64_t *out);

/* A piece of a JSON text, as it stands there. */
struct json_span {
    const char *text;
    size_t length;
};

/* Called for each member of an object; the name has its quotes. A negative value ends the walk. */
typedef int json_member_seen(void *context, struct json_span name, struct json_span value);

/* Walks over the members of the one object that the text is, without building a tree, for objects of many members that
 * are to be kept as they were written. The whole text is checked (RFC 8259, at most 100 deep, not the UTF-8 of
 * strings); besides, NaN, Infinity and -Infinity are values, since Python's json writes them. -ERR_CONFIG naming the
 * byte where it is none, or what `seen` gave. */
int json_walk(const char *text, size_t length, json_member_seen *seen, void *context, struct err *err);

/* Appends what a JSON string, with its quotes, says. False, and nothing appended, where it is none. */
bool json_unquote(struct buffer *out, struct json_span quoted);

#endif
