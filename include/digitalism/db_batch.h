/* Many statements on their way at once on a stage's connection: libpq's pipeline mode (manual, 34.5) with a Sync behind
 * each statement, so that each is a transaction of its own, committed or refused whatever becomes of its neighbours.
 * Not here: the workers' connection, which lives for ever and reconnects by itself (db_pipeline.h). */
#ifndef DIGITALISM_DB_BATCH_H
#define DIGITALISM_DB_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"

/* Between these two the connection takes the calls of this header only. The end may come when every statement was
 * answered. -ERR_DATABASE, transient, when the connection is lost. */
int db_batch_begin(struct db *db, struct err *err);
int db_batch_end(struct db *db, struct err *err);

/* Queues a prepared statement and its Sync, and sends what the socket takes; never waits. The values are copied. The
 * caller bounds how many are on their way. */
int db_batch_send(struct db *db, const char *name, const struct db_value *values, int count, struct err *err);

/* What became of one statement: rows, to be freed by the caller, or NULL and why it was refused. */
struct db_answer {
    struct db_result *rows;
    struct err refusal;
};

/* The answer to the oldest statement that has none yet, complete to its Sync: only then is it committed. 1: `out` is
 * filled; 0: it has not arrived. -ERR_DATABASE, transient, when the connection is lost: what was sent and not answered
 * may be committed or not. Never waits. */
int db_batch_receive(struct db *db, struct db_answer *out, struct err *err);

/* Sends and reads on all the connections until one of them got something to read. 1: it did; 0: the deadline has
 * passed; -ERR_INTERRUPTED: a stop is asked for; -ERR_DATABASE: a connection is lost, and what it said before is still
 * to be received. At most DB_BATCH_CONNECTIONS_MAX. */
#define DB_BATCH_CONNECTIONS_MAX 64
int db_batch_wait(struct db *const *dbs, size_t count, int stop_fd, int64_t deadline_ms, struct err *err);

#endif
