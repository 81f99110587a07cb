/* One-dimensional arrays in PostgreSQL's binary form, as parameters for unnest() (source: array_recv and the types' own
 * recv functions). Pure. Not here: the statements. */
#ifndef ETL_ARRAY_H
#define ETL_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/db.h"

enum array_type { ARRAY_TEXT, ARRAY_INT4, ARRAY_INT8, ARRAY_FLOAT8, ARRAY_TYPE_COUNT };

/* Start with array_init(); release with array_done(). A failed allocation shows in buffer_failed(&array->bytes). */
struct array {
    enum array_type type;
    uint32_t count;
    struct buffer bytes;
};

void array_init(struct array *array, enum array_type type);
void array_done(struct array *array);
void array_clear(struct array *array); /* keeps the memory */

void array_append_null(struct array *array);
void array_append_text(struct array *array, const char *text, size_t length); /* must be UTF-8 without NUL */
void array_append_int4(struct array *array, int32_t number);
void array_append_int8(struct array *array, int64_t number);
void array_append_float8(struct array *array, double number);

/* Appends `count` elements of another array of the same type, from its element `first` on. */
void array_append_elements(struct array *array, const struct array *from, size_t first, size_t count);

/* The array as a parameter; it points into the array, and is valid until the next change. */
struct db_value array_value(struct array *array);

#endif
