/* From a CSV record to a row of `cities`, or to the reason why it is none. Pure.
 * Not here: reading CSV (csv.h), writing rows (loader.h). */
#ifndef ETL_ROW_H
#define ETL_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/commune.h"
#include "etl/columns.h"
#include "etl/csv.h"
#include "etl/departments.h"

/* A row in normal form. */
struct row {
    const char *name; /* stands in the buffer given to row_parse() */
    size_t name_length;
    char postal_code[COMMUNE_POSTAL_CODE_SIZE];
    int32_t department_id;
    bool has_latitude;
    bool has_longitude;
    double latitude;
    double longitude;
};

/* Why a record was refused. The texts are constants, the value is the record's own, or stands in the buffer given to
 * row_parse(). */
struct row_reject {
    const char *column; /* the known name of the column at fault, or "" */
    const char *code;   /* for machines: "postal_code_invalid" */
    const char *reason; /* for people */
    struct csv_field value;
};

enum row_status { ROW_OK, ROW_REJECTED, ROW_NO_MEMORY };

/* Normalises one record. `name` is cleared and holds the row's name. `reject` is filled when ROW_REJECTED is returned.
 */
enum row_status row_parse(struct row *row, struct row_reject *reject, struct buffer *name,
                          const struct csv_record *record, const struct row_layout *layout,
                          const struct departments *departments);

#endif
