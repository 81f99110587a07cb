/* What the files of migrate share: the migrations on disk, the history in the database, the plan between them.
 * Not here: anything that a caller outside of migrate may see. */
#ifndef DIGITALISM_MIGRATE_INTERNAL_H
#define DIGITALISM_MIGRATE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/base/sha256.h"
#include "digitalism/db.h"

#define MIGRATE_VERSION_DIGITS   18 /* what fits a bigint whatever the digits are */
#define MIGRATE_FILE_BYTES_MAX   ((size_t) 16 * 1024 * 1024)
#define MIGRATE_FILES_MAX        10000
#define MIGRATE_SOURCE_LINE_SIZE 121

/* --- files.c: what is on disk --- */

enum migrate_name {
    MIGRATE_NAME_UP,    /* 0001_name.sql or 0001_name.up.sql */
    MIGRATE_NAME_DOWN,  /* 0001_name.down.sql: undoes, so it is never applied here */
    MIGRATE_NAME_MISS,  /* looks like a migration, but would not be found: worth a warning */
    MIGRATE_NAME_OTHER, /* anything else */
    MIGRATE_NAME_COUNT
};

/* Reads a file's name (pure). `version` is filled for MIGRATE_NAME_UP only. */
enum migrate_name migrate_name_parse(const char *name, int64_t *version);

struct migrate_file {
    char *name; /* "0002_department_code.sql" */
    int64_t version;
    struct buffer text;            /* without a byte-order mark */
    char sha256[SHA256_TEXT_SIZE]; /* of the text with its line ends as LF */
};

struct migrate_files {
    struct migrate_file *items; /* in numeric order */
    size_t count;
};

/* Reads all migrations of a directory. Warns about near misses unless `quiet`. -ERR_MIGRATION when something cannot be
 * read or a number is used twice. */
int migrate_files_load(struct migrate_files *out, const char *directory, bool quiet, struct err *err);
void migrate_files_done(struct migrate_files *files);
#define MIGRATE_FILES_AUTO __attribute__((cleanup(migrate_files_done))) struct migrate_files

/* The SHA-256 of a text, without regard to a byte-order mark and to CRLF or LF. */
int migrate_sha256(char text[static SHA256_TEXT_SIZE], const char *sql, size_t length, struct err *err);

/* --- plan.c: what is to be done (pure) --- */

struct migrate_row {
    int64_t version;
    char *name;
    char sha256[SHA256_TEXT_SIZE];
    char *binary_version;
};

struct migrate_history {
    struct migrate_row *rows; /* in numeric order */
    size_t count;
};

struct migrate_plan {
    const struct migrate_file **items; /* to apply, in order; they point into the files */
    size_t count;
};

/* Compares files and history. -ERR_MIGRATION where they do not fit together: an applied file was edited or is missing,
 * a new one stands before an applied one, or the database is newer than the files. */
int migrate_plan_make(struct migrate_plan *out, const struct migrate_files *files,
                      const struct migrate_history *history, struct err *err);
void migrate_plan_done(struct migrate_plan *plan);
#define MIGRATE_PLAN_AUTO __attribute__((cleanup(migrate_plan_done))) struct migrate_plan

/* --- locate.c: where an error is (pure) --- */

struct migrate_place {
    size_t line;   /* 1-based; 0: not known */
    size_t column; /* 1-based, in characters */
    char source[MIGRATE_SOURCE_LINE_SIZE];
};

/* Turns a 1-based character position (0: not known) in a text into a place. */
void migrate_locate(struct migrate_place *out, const char *text, size_t length, size_t position);

/* The character number, as migrate_locate() takes it, of the byte at an offset. */
size_t migrate_position(const char *text, size_t offset);

/* --- lexer.c: reading SQL (pure) --- */

struct migrate_lexer {
    const char *text;
    size_t length;
    size_t at; /* 0 at the start */
};

/* A word, number, string, quoted name, dollar-quoted text or single character; never blank, never a comment. */
struct migrate_token {
    size_t start;
    size_t length;
};
bool migrate_lexer_next(struct migrate_lexer *lexer, struct migrate_token *token);

/* Finds the first statement that would end the transaction that a file runs in: COMMIT, END, ABORT, ROLLBACK (but not
 * to a savepoint), PREPARE TRANSACTION. Assumes standard_conforming_strings. */
bool migrate_find_transaction_end(const char *text, size_t length, struct migrate_token *found);

/* --- history.c: what the database remembers --- */

struct migrate_store {
    struct db *db;
    char *table; /* qualified and quoted, whatever search_path a migration sets; NULL: does not exist */
    int stop_fd;
};

/* Finds the history table. */
int migrate_store_find(struct migrate_store *store, struct err *err);
/* Reads all rows; none where there is no table. */
int migrate_store_read(const struct migrate_store *store, struct migrate_history *out, struct err *err);
/* Creates the table in the current schema. */
int migrate_store_create(struct migrate_store *store, struct err *err);
/* Writes one row, in the transaction that is open. */
int migrate_store_add(const struct migrate_store *store, const struct migrate_file *file, int64_t duration_ms,
                      const char *binary_version, struct err *err);
/* Refuses a schema that has tables although it has no history. */
int migrate_store_refuse_foreign(const struct migrate_store *store, struct err *err);
void migrate_store_done(struct migrate_store *store);
#define MIGRATE_STORE_AUTO __attribute__((cleanup(migrate_store_done))) struct migrate_store
void migrate_history_done(struct migrate_history *history);
#define MIGRATE_HISTORY_AUTO __attribute__((cleanup(migrate_history_done))) struct migrate_history

/* --- lock.c: one starter at a time --- */

/* Refuses a connection whose session is not its own: a lock taken there would exclude nobody. -ERR_MIGRATION. */
int migrate_refuse_pooler(struct db *db, const struct db_target *target, int stop_fd, struct err *err);

/* Takes the session's advisory lock, asking again and again until the timeout: a starter that waited inside the server
 * would hold a snapshot, for which CREATE INDEX CONCURRENTLY of the lock's holder would wait in turn. */
int migrate_lock(struct db *db, int64_t timeout_ms, int stop_fd, struct err *err);
/* Gives it back; that it was not held any more is an error. */
int migrate_unlock(struct db *db, struct err *err);

/* --- apply.c: running one file --- */

/* Brings the session into its first state again, whatever a migration has set. */
int migrate_session_reset(struct db *db, struct err *err);
/* Refuses a file that would end its transaction; needs no server. */
int migrate_apply_check(const struct migrate_file *file, struct err *err);
/* Runs one file and writes its history row in one transaction, again when it could not get a lock. */
int migrate_apply(const struct migrate_store *store, const struct migrate_file *file, const char *binary_version,
                  struct err *err);

#endif
