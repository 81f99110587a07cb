/* A text of SQL as the statements that psql would send, with what can be seen of them before they run. Pure.
 * Not here: running them (run.h). */
#ifndef MIGRATE_SCRIPT_H
#define MIGRATE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "digitalism/base/error.h"

enum migrate_statement_kind {
    MIGRATE_STATEMENT_OTHER,
    MIGRATE_STATEMENT_BEGIN,   /* plain BEGIN or START TRANSACTION */
    MIGRATE_STATEMENT_COMMIT,  /* plain COMMIT or END */
    MIGRATE_STATEMENT_ENDS,    /* any other that would end the transaction that it runs in */
    MIGRATE_STATEMENT_INDEX,   /* builds an index CONCURRENTLY, which may leave it invalid */
    MIGRATE_STATEMENT_ALONE,   /* any other that PostgreSQL refuses in a transaction block */
    MIGRATE_STATEMENT_TIMEOUT, /* SET transaction_timeout = 0: pg_dump 17 writes it, servers before 17 do not know it */
    MIGRATE_STATEMENT_KIND_COUNT
};

/* Offsets are into the text that was parsed. */
struct migrate_statement {
    enum migrate_statement_kind kind;
    size_t start;
    size_t end; /* before its `;` */
    bool has_data;
    size_t data_start; /* of COPY … FROM stdin: the lines up to `\.` */
    size_t data_end;
    size_t word; /* its first word */
    size_t word_end;
    size_t name; /* of MIGRATE_STATEMENT_INDEX: where the index's name stands; 0 where it has none */
    size_t name_end;
};

struct migrate_script {
    struct migrate_statement *items;
    size_t count;
};

/* Cuts the bytes from `start` to `end` into statements. \restrict and \unrestrict, which pg_dump writes, are left out,
 * and a statement ends at goose's StatementEnd too.
 * -ERR_MIGRATION with `*offset` at what psql alone could do, any other backslash command, and at a comment that is not
 * closed. */
int migrate_script_parse(struct migrate_script *out, const char *text, size_t start, size_t end, size_t *offset,
                         struct err *err);
void migrate_script_done(struct migrate_script *script);
#define MIGRATE_SCRIPT_AUTO __attribute__((cleanup(migrate_script_done))) struct migrate_script

/* Takes plain BEGINs and COMMITs away where all that there is stands between them: it is one transaction anyway. */
void migrate_script_unwrap(struct migrate_script *script);

/* The first statement of MIGRATE_STATEMENT_INDEX or _ALONE; NULL where all can run in a transaction. */
const struct migrate_statement *migrate_script_alone(const struct migrate_script *script);

/* The first statement of MIGRATE_STATEMENT_COMMIT or _ENDS, or NULL. */
const struct migrate_statement *migrate_script_end(const struct migrate_script *script);

#endif
