/* Where something is in a text, for people: line, column, the line itself. Pure.
 * Not here: what is there. */
#ifndef MIGRATE_LOCATE_H
#define MIGRATE_LOCATE_H

#include <stddef.h>

#define MIGRATE_SOURCE_CHARACTERS_MAX 120

struct migrate_place {
    size_t line;                                        /* 1-based */
    size_t column;                                      /* 1-based, in characters */
    char source[4 * MIGRATE_SOURCE_CHARACTERS_MAX + 1]; /* the line, tabs as blanks, cut to what is around the column */
    size_t caret;                                       /* characters of `source` before the column */
};

/* Finds the line and column of the byte at an offset. */
void migrate_locate(struct migrate_place *out, const char *text, size_t length, size_t offset);

/* The offset of the 1-based character `position` behind `start`, as PostgreSQL counts them. */
size_t migrate_offset(const char *text, size_t length, size_t start, size_t position);

/* The offset at which the line begins that lies `lines` behind the one of `offset`. */
size_t migrate_line_behind(const char *text, size_t length, size_t offset, size_t lines);

#endif
