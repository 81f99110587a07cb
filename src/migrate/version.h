/* A migration's number, as long as its project writes it: reading, comparing. Pure.
 * Not here: the rest of a file's name (name.h). */
#ifndef MIGRATE_VERSION_H
#define MIGRATE_VERSION_H

#include <stdbool.h>
#include <stddef.h>

/* 20 digits are in use (ory), and dates with dashes, and numbers of several parts (Flyway's 2.1). */
#define MIGRATE_VERSION_SIZE 48

/* In its normal form: the parts without leading zeros, with dots between them, without zeros at the end. "" is none:
 * a repeatable migration has no place in the order. */
struct migrate_version {
    char text[MIGRATE_VERSION_SIZE];
};

/* Reads the number at the start of a text: digits, which dashes may group (2024-01-31-120000 is 20240131120000); with
 * `dotted`, parts of up to four digits behind '.' or '_' too. Returns how many bytes it takes, 0 where there is none or
 * it is too long. */
size_t migrate_version_read(struct migrate_version *out, const char *text, bool dotted);

/* Reads what a person names a version by: the number, or a file name that begins with it. */
bool migrate_version_parse(struct migrate_version *out, const char *text);

/* As a decimal number that sorts like the version, for the database: 2.1 is 2.0001. And back from what it gives. */
#define MIGRATE_VERSION_NUMBER_SIZE 256
void migrate_version_number(char out[static MIGRATE_VERSION_NUMBER_SIZE], const struct migrate_version *version);
void migrate_version_from_number(struct migrate_version *out, const char *number);

/* By number, part by part: below 0, 0 or above 0. */
int migrate_version_compare(const struct migrate_version *a, const struct migrate_version *b);

#endif
