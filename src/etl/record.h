/* What can be wrong with a record whatever its columns mean: how it was read, its width, its characters. Pure.
 * Not here: the rules of a row (row.h). */
#ifndef ETL_RECORD_H
#define ETL_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "digitalism/base/buffer.h"
#include "digitalism/etl.h"
#include "etl/csv.h"

/* The texts are constants, the value is the record's own or stands in the buffer given to record_check(). */
struct record_fault {
    const char *code;   /* for machines: "encoding" */
    const char *reason; /* for people */
    size_t field;       /* the index of the field at fault, or RECORD_NO_FIELD */
    struct csv_field value;
};
#define RECORD_NO_FIELD SIZE_MAX

/* Whether the record can be used; else `fault` is filled. `width` is how many fields may have text; `encoding` is what
 * the file is written in. Where a faulty quote, or too great a length, may have taken in lines that were meant as
 * records of their own, the value says which lines they are; it is written into `lines`, which is cleared. */
bool record_check(struct record_fault *fault, const struct csv_record *record, size_t width, enum etl_encoding encoding,
                  struct buffer *lines);

#endif
