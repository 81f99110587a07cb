/* The parts of one file that holds both directions, and what its comments say about transactions. Pure.
 * Sources: the manuals of goose (-- +goose Up), dbmate (-- migrate:up) and sqlx (-- no-transaction).
 * Not here: names (name.h), statements (script.h). */
#ifndef MIGRATE_SECTIONS_H
#define MIGRATE_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "digitalism/base/error.h"

struct migrate_part {
    bool exists;
    bool no_transaction; /* asked for by a comment */
    size_t start;
    size_t end;
};

struct migrate_sections {
    struct migrate_part up;
    struct migrate_part down;
};

/* Finds the sections of a text; without a mark all of it is the up part. -ERR_MIGRATION with `*offset` at the line that
 * is wrong: a section twice or a mark that is not known, SQL before the first section, marks of two tools. */
int migrate_sections_find(struct migrate_sections *out, const char *text, size_t length, size_t *offset,
                          struct err *err);

/* The text as one part, whatever marks it has; only `-- no-transaction` at its top is read. */
struct migrate_part migrate_sections_whole(const char *text, size_t length);

#endif
