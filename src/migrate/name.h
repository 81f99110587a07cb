/* What the name of a file or directory says, in the conventions of every tool whose directories can be applied. Pure.
 * Not here: what stands in the file (sections.h, script.h). */
#ifndef MIGRATE_NAME_H
#define MIGRATE_NAME_H

#include <stdbool.h>

#include "migrate/version.h"

enum migrate_name_kind {
    MIGRATE_NAME_OTHER,   /* nothing of ours */
    MIGRATE_NAME_MISS,    /* looks like a migration, but would not be found: worth a warning */
    MIGRATE_NAME_FOREIGN, /* of another dialect than PostgreSQL's */
    MIGRATE_NAME_UP,      /* a migration, with or without sections of its own */
    MIGRATE_NAME_DOWN,    /* undoes the migration of the same version */
    MIGRATE_NAME_KIND_COUNT
};

struct migrate_name {
    enum migrate_name_kind kind;
    struct migrate_version version; /* of UP and DOWN; "" for a repeatable one */
    size_t stem;                    /* bytes of the name up to the end of its title */
    bool explicit_direction;        /* it says .up or .down */
    bool specific;                  /* it is for PostgreSQL, and takes the place of the same one for all dialects */
    bool no_transaction;            /* .autocommit */
};

/* Reads the name of a file: 0001_x.sql, 0001_x.up.sql, 0001_x.down.sql, V1__x.sql, R__x.sql, and between the title and
 * the direction the name of a dialect or .autocommit. */
struct migrate_name migrate_name_of_file(const char *name);

/* Reads the name of a directory that holds up.sql and perhaps down.sql: 2024-01-31-120000_x. */
struct migrate_name migrate_name_of_directory(const char *name);

#endif
