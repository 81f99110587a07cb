/* The migrations on disk: which there are, in their order, with their texts and checksums.
 * Not here: what is to be done with them (plan.h). */
#ifndef MIGRATE_FILES_H
#define MIGRATE_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/base/sha256.h"
#include "migrate/sections.h"
#include "migrate/version.h"

#define MIGRATE_FILE_BYTES_MAX ((size_t) 256 * 1024 * 1024)
#define MIGRATE_FILES_MAX      10000

/* SQL of one direction, and where it stands. */
struct migrate_source {
    char *path;         /* from the directory of the migrations on, for messages */
    struct buffer text; /* the whole file, without a byte-order mark */
    struct migrate_part part;
};

struct migrate_file {
    char *name;                     /* of the file, or of the directory that holds up.sql */
    struct migrate_version version; /* "": repeatable */
    char sha256[SHA256_TEXT_SIZE];  /* of the file that applies it, with line ends as LF */
    struct migrate_source up;
    struct migrate_source down; /* down.part.exists is false where it cannot be undone */
};

struct migrate_files {
    struct migrate_file *items; /* in the order of their versions, repeatable ones last, by name */
    size_t count;
};

bool migrate_file_repeatable(const struct migrate_file *file);

/* Reads all migrations of a directory. Warns about near misses unless `quiet`; with `strict` they are errors.
 * -ERR_MIGRATION when something cannot be read, a version is used twice, or a file's sections are wrong. */
int migrate_files_load(struct migrate_files *out, const char *directory, bool strict, bool quiet, struct err *err);
void migrate_files_done(struct migrate_files *files);
#define MIGRATE_FILES_AUTO __attribute__((cleanup(migrate_files_done))) struct migrate_files

/* The SHA-256 of a text, without regard to a byte-order mark and to CRLF or LF. */
int migrate_sha256(char text[static SHA256_TEXT_SIZE], const char *sql, size_t length, struct err *err);

/* An error at an offset of a source: "path:line:column: " before the message. Returns -code. */
int migrate_files_place(struct err *err, const struct migrate_source *source, size_t offset);

#endif
