/* The delimiters that we know, and what a file's first bytes tell of its own. Pure.
 * Not here: the columns that a delimiter makes appear, which are the better sign (source.c). */
#ifndef ETL_DELIMITER_H
#define ETL_DELIMITER_H

#include <stdbool.h>
#include <stddef.h>

#define DELIMITER_COUNT 4

struct delimiter {
    char character;
    const char *name; /* as messages call it: "vertical bar" */
};
extern const struct delimiter delimiters[DELIMITER_COUNT]; /* of equals the first wins */

/* The line `sep=;` that Excel reads at the start of a file: how many bytes it has, its line end included, and which
 * delimiter it tells; 0 where the text does not start so. */
size_t delimiter_line(const char *text, size_t length, size_t *delimiter);

/* The delimiter that gives the most fields in the first record of the text, which may be cut off anywhere. Those inside
 * quotes do not count, whichever delimiter stands before the quote. */
size_t delimiter_guess(const char *text, size_t length);

#endif
