/* The columns that we know: their names in a file's header, and where they stand there. Pure.
 * Not here: what their fields mean (row.h). */
#ifndef ETL_COLUMNS_H
#define ETL_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/etl.h"
#include "etl/csv.h"

/* By their usual names in a header (in any case, any order, others between them). */
enum row_column {
    ROW_COLUMN_NAME,        /* nom_commune, required */
    ROW_COLUMN_POSTAL_CODE, /* code_postal, required */
    ROW_COLUMN_DEPARTMENT,  /* code_departement */
    ROW_COLUMN_LATITUDE,    /* latitude */
    ROW_COLUMN_LONGITUDE,   /* longitude */
    ROW_COLUMN_COORDINATES, /* coordonnees_gps: "latitude, longitude", used where the two above give nothing */
    ROW_COLUMN_COUNT
};
#define ROW_COLUMNS_REQUIRED 2 /* the first ones; the others are when ETL_COLUMNS names them */
extern const char *const row_column_names[ROW_COLUMN_COUNT];

/* How the columns are called in the files of one run. Zeroed at first; release with columns_done(). */
struct columns {
    struct column_name {
        struct buffer text;   /* as it was told */
        struct buffer normal; /* as it is compared: see columns_parse() */
        bool mapped;          /* told by ETL_COLUMNS */
    } names[ROW_COLUMN_COUNT];
};

/* Reads the value of ETL_COLUMNS: `COLUMN=HEADER` with commas between, white space around each part without meaning.
 * COLUMN is one of name, postal_code, department, latitude, longitude, coordinates, each at most once; HEADER is the
 * column's name in the file's header, in quotes where it has a comma or a quote, which is then doubled (as RFC 4180
 * does it). NULL leaves every column its usual name. Names are compared in the normal form of communes' names: trimmed,
 * whatever their case and their way of composing accents. -ERR_CONFIG saying what is wrong; `out` must be released in
 * any case. */
int columns_parse(struct columns *out, const char *text, struct err *err);
void columns_done(struct columns *columns);

/* Whether a file must have the column. */
bool columns_require(const struct columns *columns, enum row_column column);

/* Where the known columns stand in the records of one file, and in what it is written. */
struct row_layout {
    int index[ROW_COLUMN_COUNT]; /* -1: the file has none */
    size_t width;                /* fields of the header, an empty last one not counted */
    enum etl_encoding encoding;  /* set by who reads the file */
};

/* Finds the known columns in a header. Returns how many there are; *repeated gets the name of one that stands twice,
 * else NULL, and belongs to `columns`. */
int row_layout_find(struct row_layout *layout, const struct csv_record *header, const struct columns *columns,
                    const char **repeated);

/* Whether every required column is there. */
bool row_layout_complete(const struct row_layout *layout, const struct columns *columns);

#endif
