/* One PostgreSQL connection of a worker, asynchronous, in libpq's pipeline mode (manual, 34.5): prepared statements,
 * text results, one Sync per turn of the caller's loop, reconnecting by itself with backoff.
 * Never blocks, name resolution excepted. Not here: an event loop; the owner watches the descriptor and calls. */
#ifndef DIGITALISM_DB_PIPELINE_H
#define DIGITALISM_DB_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"

struct db_pipeline;

/* A statement that is prepared on every new connection, or sent as text with each query where a pooler loses what was
 * prepared; queries name it by its index in the table. No two are alike. */
struct db_statement {
    const char *sql;
    int parameter_count; /* at most DB_PARAMETERS_MAX */
};
#define DB_PARAMETERS_MAX 16

/* The answer to one query: rows, or NULL and why not. `rows` is valid during the call only. Called exactly once. */
typedef void db_reply(void *argument, const struct db_result *rows, const struct err *err);

enum { DB_WANTS_READ = 1, DB_WANTS_WRITE = 2 };

struct db_pipeline_options {
    const struct db_target *target;
    const char *application_name;
    const struct db_statement *statements;
    size_t statement_count;
    int64_t statement_timeout_ms;
    int64_t connect_timeout_ms; /* of one attempt; several hosts share it, so that a silent one is passed */
    size_t queue_max;           /* queries waiting or in flight; one more is refused */
};

/* Allocates; does not connect. The options' pointers must outlive the pipeline. */
int db_pipeline_new(struct db_pipeline **out, const struct db_pipeline_options *options, struct err *err);

/* Fails what is in flight (each reply is called) and disconnects. NULL is allowed. */
void db_pipeline_free(struct db_pipeline *pipeline);

/* Fails what is in flight with the given reason, and disconnects for good: for an owner that has no time left. */
void db_pipeline_abandon(struct db_pipeline *pipeline, const struct err *reason);

/* Starts to connect, or to reconnect when the backoff has passed, and gives up an attempt at its limit.
 * Call it at the start, and whenever db_pipeline_deadline_ms() has passed. */
void db_pipeline_tick(struct db_pipeline *pipeline);
int64_t db_pipeline_deadline_ms(const struct db_pipeline *pipeline); /* CLOCK_NEVER: nothing to wait for */

/* What to watch. The descriptor can change after every call to the pipeline; -1 while there is none. The generation
 * changes with it, also when another socket has got the old number: the descriptor must then be watched anew. */
int db_pipeline_fd(const struct db_pipeline *pipeline);
unsigned db_pipeline_generation(const struct db_pipeline *pipeline);
int db_pipeline_wants(const struct db_pipeline *pipeline); /* DB_WANTS_ flags */

/* Tells that the descriptor has the given DB_WANTS_ events. Runs replies. A flush must follow in the same turn. */
void db_pipeline_ready(struct db_pipeline *pipeline, int events);

/* Queues a query; its texts are copied before it returns. It waits up to a second for an attempt to connect that is one
 * of the first. -ERR_DATABASE with `transient` while there is no connection or the queue is full; then `reply` is not
 * called. An error of one query does not touch its neighbours: what the server dropped behind it is sent again, so
 * queries must be safe to repeat. A lost connection fails all of them. */
int db_pipeline_query(struct db_pipeline *pipeline, size_t statement, const char *const *values, db_reply *reply,
                      void *argument, struct err *err);

/* Ends the turn: one Sync behind what was queued, and everything sent. */
void db_pipeline_flush(struct db_pipeline *pipeline);

bool db_pipeline_connected(const struct db_pipeline *pipeline);
const struct err *db_pipeline_error(const struct db_pipeline *pipeline); /* why it is not; NULL while it is */
size_t db_pipeline_depth(const struct db_pipeline *pipeline);            /* queries queued or in flight */

#endif
