/* A growing string of bytes. It owns its memory and is always NUL-terminated once something was appended.
 * A failed allocation is remembered instead of reported at each call: check buffer_failed() once, at the end.
 * Not here: what is written into it (json, the modules). */
#ifndef DIGITALISM_BASE_BUFFER_H
#define DIGITALISM_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *data;    /* NULL while nothing was ever appended */
    size_t length; /* bytes in use, without the final NUL */
    size_t capacity;
    bool failed; /* an append could not get its memory and was dropped */
};

#define BUFFER_EMPTY                                                                                                   \
    {                                                                                                                  \
        .data = NULL, .length = 0, .capacity = 0, .failed = false                                                      \
    }
#define BUFFER_AUTO __attribute__((cleanup(buffer_done))) struct buffer

void buffer_done(struct buffer *buffer);  /* releases the memory; the buffer is empty and usable again */
void buffer_clear(struct buffer *buffer); /* keeps the memory, forgets content and failure */
bool buffer_failed(const struct buffer *buffer);

/* Makes room for `more` bytes behind the content (and a NUL). Returns where they go, or NULL when memory is short. */
char *buffer_reserve(struct buffer *buffer, size_t more);
void buffer_commit(struct buffer *buffer, size_t used_bytes); /* counts in what was written into the reserved room */

void buffer_append(struct buffer *buffer, const void *data, size_t length);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char character);
void buffer_append_integer(struct buffer *buffer, int64_t number);
void buffer_append_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_append_vformat(struct buffer *buffer, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Appends `text` as a JSON string with its quotes (RFC 8259, section 7). Bytes that are not UTF-8 become U+FFFD. */
void buffer_append_json_string(struct buffer *buffer, const char *text, size_t length);

/* Drops the first `length` bytes, moving the rest to the front. */
void buffer_consume(struct buffer *buffer, size_t length);

/* The content as a C string: "" while nothing was ever appended. Valid until the next change. */
const char *buffer_text(const struct buffer *buffer);

/* The bytes of the UTF-8 character at text (1 to 4), or 0 where the bytes are not UTF-8 (RFC 3629, section 4). */
size_t utf8_length(const char *text, size_t length);

/* Whether the bytes are UTF-8 throughout, without NUL: what PostgreSQL takes as text. */
bool utf8_is_text(const char *text, size_t length);

/* Where to cut a text of which only `length` bytes can be kept: there, or before a UTF-8 character that would be split.
 */
size_t utf8_cut(const char *text, size_t length);

#endif
