/* What the two halves of the pipeline share: its state, and the queries that it holds.
 * Not here: the public face (db_pipeline.h). */
#ifndef DIGITALISM_DB_PIPELINE_PRIVATE_H
#define DIGITALISM_DB_PIPELINE_PRIVATE_H

#include <libpq-fe.h>

#include "digitalism/base/clock.h"
#include "digitalism/db_pipeline.h"

enum pipeline_state {
    PIPELINE_DISCONNECTED, /* until retry_ms */
    PIPELINE_CONNECTING,   /* PQconnectPoll has the word */
    PIPELINE_PREPARING,    /* logged in; settings and statements are on their way */
    PIPELINE_READY,
    PIPELINE_STATE_COUNT
};

/* One query from db_pipeline_query() to its reply. The values' texts stand behind the array, in the same allocation. */
struct pipeline_query {
    struct pipeline_query *next;
    db_reply *reply;
    void *argument;
    size_t statement;
    unsigned attempts; /* how often it was sent on this connection */
    const char *values[];
};

struct pipeline_queue {
    struct pipeline_query *first;
    struct pipeline_query *last;
};

struct db_pipeline {
    struct db_pipeline_options options;
    PGconn *connection; /* NULL while PIPELINE_DISCONNECTED */
    enum pipeline_state state;
    int wants;
    unsigned generation;
    struct backoff backoff;
    int64_t retry_ms;    /* PIPELINE_DISCONNECTED: when to try again */
    int64_t attempt_ms;  /* CONNECTING, PREPARING: when the attempt is given up */
    size_t host;         /* of several: which one the attempt has begun with */
    int64_t host_ms;     /* until when it may be silent; at most attempt_ms */
    int64_t patience_ms; /* until when queries may wait for the attempt; 0: this attempt is not waited for */
    int64_t progress_ms; /* READY: when the server last gave a sign, or had nothing to do */
    struct err error;    /* why there is no connection */

    struct pipeline_queue waiting;   /* to be sent by the next flush */
    struct pipeline_queue in_flight; /* sent, in the order in which the server answers */
    size_t depth;                    /* of both */
    size_t session_results;          /* answers due to the statements of a new session, before any query's */
    size_t syncs;                    /* sent, not yet answered */
    bool head_answered;              /* the result of the first in flight was seen, the NULL behind it was not */
};

/* pipeline.c: gives the connection up, plans the next one, and fails every query. `err` says why. */
void pipeline_fail(struct db_pipeline *pipeline, const struct err *err);

/* pipeline.c: the session's statements were all accepted. */
void pipeline_session_ready(struct db_pipeline *pipeline);

/* pipeline.c: the same with libpq's own message. */
void pipeline_lost(struct db_pipeline *pipeline);

/* pipeline_query.c: takes what the server has answered. */
void pipeline_receive(struct db_pipeline *pipeline);

/* pipeline_query.c: ends every query of a queue with this error. */
void pipeline_fail_queue(struct db_pipeline *pipeline, struct pipeline_queue queue, const struct err *err);

/* pipeline_query.c: hands the output to the kernel, and notes whether more of it is left. */
bool pipeline_push(struct db_pipeline *pipeline);

#endif
