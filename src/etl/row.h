/* From a CSV record to a row of `cities`, or to the reason why it is none. Pure.
 * Not here: reading CSV (csv.h), writing rows (loader.h). */
#ifndef ETL_ROW_H
#define ETL_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/commune.h"
#include "etl/csv.h"
#include "etl/departments.h"

/* The columns that we know, by their names in a header (in any case, any order, others between them). */
enum row_column {
    ROW_COLUMN_NAME,        /* nom_commune, required */
    ROW_COLUMN_POSTAL_CODE, /* code_postal, required */
    ROW_COLUMN_DEPARTMENT,  /* code_departement */
    ROW_COLUMN_LATITUDE,    /* latitude */
    ROW_COLUMN_LONGITUDE,   /* longitude */
    ROW_COLUMN_COORDINATES, /* coordonnees_gps: "latitude, longitude", used where the two above give nothing */
    ROW_COLUMN_COUNT
};
#define ROW_COLUMNS_REQUIRED 2 /* the first ones */
extern const char *const row_column_names[ROW_COLUMN_COUNT];

/* Where the known columns stand in the records of one file. */
struct row_layout {
    int index[ROW_COLUMN_COUNT]; /* -1: the file has none */
    size_t width;                /* fields of the header, an empty last one not counted */
};

/* Finds the known columns in a header. Returns how many there are; *repeated gets the name of one that stands twice,
 * else NULL. */
int row_layout_find(struct row_layout *layout, const struct csv_record *header, const char **repeated);

/* Whether every required column is there. */
bool row_layout_complete(const struct row_layout *layout);

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

/* Why a record was refused. The texts are constants, the value is the record's own. */
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
