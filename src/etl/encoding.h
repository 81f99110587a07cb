/* Character sets of files: which one a file's first bytes announce, and Windows-1252 turned into UTF-8. Pure.
 * Not here: whether UTF-8 is valid, which is asked record by record (record.h). */
#ifndef ETL_ENCODING_H
#define ETL_ENCODING_H

#include <stddef.h>

#include "digitalism/etl.h"

/* What the first bytes of a file say. UTF-16 and UTF-32 without a byte order mark are known by their NULs. */
enum encoding_mark { ENCODING_MARK_NONE, ENCODING_MARK_UTF8, ENCODING_MARK_UTF16, ENCODING_MARK_UTF32 };
enum encoding_mark encoding_mark(const char *text, size_t length);
#define ENCODING_MARK_UTF8_BYTES 3

#define ENCODING_GROWTH_MAX 3 /* bytes of UTF-8 that one byte may become */

/* Writes `length` bytes of Windows-1252 as UTF-8; `out` has room for ENCODING_GROWTH_MAX times as many. Returns the
 * bytes written. Needs no state between two calls. The five bytes that mean nothing (81 8D 8F 90 9D) are copied as they
 * are: alone they are not UTF-8, so that whoever checks the record finds them. */
size_t encoding_from_cp1252(char *out, const char *text, size_t length);

/* "UTF-8", "cp1252": as messages call it. */
const char *encoding_name(enum etl_encoding encoding);

#endif
