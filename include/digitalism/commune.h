/* The rules of the domain: normal forms of names and postal codes, the department of a postal code, ranges.
 * Pure: no I/O, no database. Not here: whether a department exists (that is asked of PostgreSQL). */
#ifndef DIGITALISM_COMMUNE_H
#define DIGITALISM_COMMUNE_H

#include <stdbool.h>
#include <stddef.h>

#include "digitalism/base/buffer.h"

#define COMMUNE_NAME_CHARACTERS_MAX  255 /* characters, not bytes */
#define COMMUNE_POSTAL_CODE_SIZE     6   /* five digits and NUL */
#define COMMUNE_DEPARTMENT_CODE_SIZE 4   /* up to three characters and NUL */

/* Why a value was refused. commune_fault_code() names it for machines, commune_fault_text() for people. */
enum commune_fault {
    COMMUNE_OK,
    COMMUNE_NAME_EMPTY,
    COMMUNE_NAME_TOO_LONG,
    COMMUNE_NAME_ENCODING, /* not UTF-8, or NUL */
    COMMUNE_POSTAL_CODE_EMPTY,
    COMMUNE_POSTAL_CODE_INVALID,
    COMMUNE_DEPARTMENT_UNKNOWN,
    COMMUNE_LATITUDE_INVALID,
    COMMUNE_LONGITUDE_INVALID,
    COMMUNE_LATITUDE_COMMA, /* a number, but for the comma in place of its dot */
    COMMUNE_LONGITUDE_COMMA,
    COMMUNE_NO_MEMORY,
    COMMUNE_FAULT_COUNT
};
const char *commune_fault_code(enum commune_fault fault); /* "postal_code_invalid" */
const char *commune_fault_text(enum commune_fault fault); /* "postal code is not 1 to 5 digits" */

/* Appends the normal form of a name: trimmed of white space (Unicode's, NBSP too), NFC, upper-cased as full Unicode
 * (ß becomes SS), at most COMMUNE_NAME_CHARACTERS_MAX characters. On a fault nothing is appended. */
enum commune_fault commune_name(struct buffer *out, const char *text, size_t length);

/* Appends the name in lower case as full Unicode, NFC, as Python's str.lower() writes it; and folded, the form in which
 * two spellings of a name are the same (Unicode, section 5.18: also Straße and STRASSE). Nothing is trimmed; empty is
 * allowed. COMMUNE_NAME_ENCODING, COMMUNE_NO_MEMORY; on a fault nothing is appended. */
enum commune_fault commune_name_lower(struct buffer *out, const char *text, size_t length);
enum commune_fault commune_name_folded(struct buffer *out, const char *text, size_t length);

/* The ETL's form: trimmed, 1 to 5 ASCII digits, left-padded with zeros to five. `out` is untouched on a fault. */
enum commune_fault commune_postal_code_padded(char out[static COMMUNE_POSTAL_CODE_SIZE], const char *text,
                                              size_t length);

/* The API's rule: exactly five ASCII digits. */
bool commune_postal_code_valid(const char *text, size_t length);

/* The department code that a valid postal code belongs to, in the form of departments.code_departement:
 * "1", "2A", "971". COMMUNE_DEPARTMENT_UNKNOWN for 20700-20999; whether the code exists is the caller's question. */
enum commune_fault commune_department_of(char out[static COMMUNE_DEPARTMENT_CODE_SIZE], const char *postal_code);

/* A department code as files write it ("01", "2a", " 971") in the stored form. False when it cannot be one. */
bool commune_department_code(char out[static COMMUNE_DEPARTMENT_CODE_SIZE], const char *text, size_t length);

/* Degrees: trimmed decimal numbers, dot as separator, -90…90 and -180…180, read to the nearest double whatever the
 * locale. Empty text sets *present to false. */
enum commune_fault commune_latitude(double *out, bool *present, const char *text, size_t length);
enum commune_fault commune_longitude(double *out, bool *present, const char *text, size_t length);

#endif
