/* Trimming the fields that are plain ASCII by their rules: codes and numbers.
 * Not here: names, whose white space is all of Unicode's. */
#ifndef COMMUNE_TEXT_H
#define COMMUNE_TEXT_H

#include <stddef.h>

/* Narrows the text to what stands between white space: ASCII's, and the no-break spaces U+00A0 and U+202F that
 * spreadsheets leave around numbers. */
void commune_trim(const char **text, size_t *length);

#endif
