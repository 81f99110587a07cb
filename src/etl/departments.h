/* The departments that PostgreSQL knows, by code: small, sorted, looked up once a row. Pure.
 * Not here: reading them from PostgreSQL (loader.h). */
#ifndef ETL_DEPARTMENTS_H
#define ETL_DEPARTMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/commune.h"

#define DEPARTMENTS_MAX 1000 /* codes have at most three characters; there are 101 */

struct department {
    char code[COMMUNE_DEPARTMENT_CODE_SIZE];
    int32_t id;
};

/* Zeroed at first; release with departments_done(). */
struct departments {
    struct department *list;
    size_t count;
};

/* Adds one; codes must come in strcmp(3) order. -ERR_ETL past DEPARTMENTS_MAX, or for a code that cannot be one. */
int departments_append(struct departments *departments, const char *code, int32_t id, struct err *err);
void departments_done(struct departments *departments);

/* The id of a code, or -1. */
int32_t departments_find(const struct departments *departments, const char *code);

#endif
