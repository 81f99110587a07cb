/* What the database remembers: the tables digitalism_migrations and digitalism_migrations_unfinished.
 * Not here: what follows from it (plan.h). */
#ifndef MIGRATE_HISTORY_H
#define MIGRATE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "migrate/files.h"

enum migrate_row_kind { MIGRATE_ROW_MIGRATION, MIGRATE_ROW_BASELINE, MIGRATE_ROW_REPEATABLE, MIGRATE_ROW_KIND_COUNT };
extern const char *const migrate_row_kind_names[MIGRATE_ROW_KIND_COUNT]; /* as in the column `kind` */

struct migrate_row {
    enum migrate_row_kind kind;
    struct migrate_version version; /* "": repeatable */
    char *name;
    char sha256[SHA256_TEXT_SIZE];
    char *binary_version;
    char *applied_at; /* ISO 8601, UTC */
    char *applied_by;
    int64_t duration_ms;
};

struct migrate_history {
    struct migrate_row *rows; /* in the order of their versions, repeatable ones last, by name */
    size_t count;
};
void migrate_history_done(struct migrate_history *history);
#define MIGRATE_HISTORY_AUTO __attribute__((cleanup(migrate_history_done))) struct migrate_history

struct migrate_store {
    struct db *db;
    char *table;      /* qualified and quoted, whatever search_path a migration sets; NULL: does not exist */
    char *unfinished; /* the other table, likewise */
    int stop_fd;
    const char *binary_version;
};

/* Finds the tables. */
int migrate_store_find(struct migrate_store *store, struct err *err);
void migrate_store_done(struct migrate_store *store);
#define MIGRATE_STORE_AUTO __attribute__((cleanup(migrate_store_done))) struct migrate_store

/* Reads all rows; none where there is no table. */
int migrate_store_read(const struct migrate_store *store, struct migrate_history *out, struct err *err);

/* Creates what does not exist of the tables, in the current schema. */
int migrate_store_create(struct migrate_store *store, struct err *err);

/* Appends the statement that notes a migration; with `transaction` (as txid_current() gave it) it affects no row in any
 * other one. */
struct migrate_note {
    const struct migrate_file *file;
    enum migrate_row_kind kind;
    int64_t duration_ms;
    const char *transaction; /* or NULL */
};
int migrate_store_add(const struct migrate_store *store, const struct migrate_note *note, bool *done, struct err *err);

/* Forgets a migration that was undone; with `transaction` as above. */
int migrate_store_remove(const struct migrate_store *store, const struct migrate_version *version,
                         const char *transaction, bool *done, struct err *err);

/* Takes over the checksum and the name of an edited file. */
int migrate_store_accept(const struct migrate_store *store, const struct migrate_row *row,
                         const struct migrate_file *file, struct err *err);

/* How far a migration without a transaction has come. */
struct migrate_progress {
    bool exists;
    size_t statements;             /* done */
    char sha256[SHA256_TEXT_SIZE]; /* of the text up to the end of those */
    bool failed;                   /* the next one was refused by PostgreSQL, and did nothing */
};
/* Appends the names of all that are under way, each ended by a newline. */
int migrate_store_unfinished(const struct migrate_store *store, struct buffer *names, struct err *err);
int migrate_store_progress(const struct migrate_store *store, const struct migrate_file *file,
                           struct migrate_progress *out, struct err *err);
int migrate_store_note_progress(const struct migrate_store *store, const struct migrate_file *file,
                                const struct migrate_progress *progress, struct err *err);
int migrate_store_forget_progress(const struct migrate_store *store, const char *name, struct err *err);

/* Refuses a schema that has tables although it has no history. */
int migrate_store_refuse_foreign(const struct migrate_store *store, struct err *err);

#endif
