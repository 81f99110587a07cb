/* Reading one value from its text, by kind. Pure: no I/O, no memory of its own.
 * Not here: which setting has which kind (settings.h). Every parser leaves its output untouched on failure. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/config.h"

#define CONFIG_VALUE_BYTES_MAX 8192

/* Decimal digits only: no sign, no blanks. */
bool config_value_integer(const char *text, int64_t min, int64_t max, int64_t *out);

/* `256M`, `1.5G`, `512KiB`, or a bare number of bytes; units are powers of 1024. Without `MB` and its like, which mean
 * one thing to some programs and another to others. Rounded down to whole bytes. */
bool config_value_size(const char *text, int64_t min_bytes, int64_t max_bytes, int64_t *out_bytes);

/* A count, or a share such as `10%` or `2.5%` from 0 to 100 %. */
bool config_value_limit(const char *text, struct config_limit *out);

/* One of the names, in any case; `*out` is its index. */
bool config_value_name(const char *text, const char *const *names, size_t count, unsigned *out);

/* At least one character, at most CONFIG_VALUE_BYTES_MAX bytes, no control characters. */
bool config_value_text(const char *text);

/* http:// or https:// with a host, and a port from 1 to 65535 where there is one (RFC 3986, section 3). */
bool config_value_url(const char *text);

/* The shortest of `500ms`, `8s`, `2m` that says the same. */
void config_value_print_duration(struct buffer *out, int64_t duration_ms);

/* The shortest of `268435457`, `3K`, `256M`, `1G` that says the same. */
void config_value_print_size(struct buffer *out, int64_t bytes);

/* A URL with `***` for the password in its user information and for secret query values. It rather hides too much:
 * a text that is no URL is hidden whole. */
void config_value_print_redacted(struct buffer *out, const char *url);

/* A value as it may stand in a message: control characters escaped, cut behind 128 bytes. */
void config_value_print_clean(struct buffer *out, const char *text);

#endif
