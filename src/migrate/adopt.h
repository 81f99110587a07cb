/* Taking over a database that another tool has migrated until now.
 * Not here: migrating it further (migrate.c). */
#ifndef MIGRATE_ADOPT_H
#define MIGRATE_ADOPT_H

#include <stdbool.h>

#include "digitalism/base/error.h"
#include "migrate/files.h"
#include "migrate/history.h"

/* Beside the migrations: which revision of alembic stands for the schema behind which of them. A line is a revision,
 * blanks, a version; `#` begins a comment. */
#define MIGRATE_REVISIONS_FILE "alembic_revisions"

/* What was found of alembic. */
struct migrate_adoption {
    bool exists;                    /* its table is there */
    char revision[64];              /* that the database is at */
    char schema[16];                /* the OID of the schema that the table is in */
    struct migrate_version version; /* of the migration that brings the same schema */
};

/* Looks for alembic's table and what it says. -ERR_MIGRATION for a revision that is not known here, for several, and
 * for none. Changes nothing. */
int migrate_adopt_find(struct migrate_adoption *out, const struct migrate_store *store, const char *directory,
                       const struct migrate_files *files, struct err *err);

/* Makes sure that every table and column which the migrations up to that version make is there and of the same type:
 * the migrations make temporary tables, in a transaction that is rolled back. -ERR_MIGRATION names the first
 * difference. */
int migrate_adopt_verify(const struct migrate_store *store, const struct migrate_files *files,
                         const struct migrate_adoption *adoption, struct err *err);

/* Notes that the migrations up to a version are in the database already, all in one transaction. */
int migrate_adopt_baseline(struct migrate_store *store, const struct migrate_files *files,
                           const struct migrate_version *version, struct err *err);

#endif
