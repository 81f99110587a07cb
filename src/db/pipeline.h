/* What the files of the pipeline share: its state, and the queries that it holds.
 * Not here: the public face (db_pipeline.h). */
#ifndef DIGITALISM_DB_PIPELINE_PRIVATE_H
#define DIGITALISM_DB_PIPELINE_PRIVATE_H

#include <libpq-fe.h>

#include "digitalism/base/clock.h"
#include "digitalism/db_pipeline.h"

#define PIPELINE_NAME_SIZE 18 /* "s", 16 digits, NUL */

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
    bool is_prepared;  /* it was sent by its statement's name */
    bool is_led;       /* the settings were sent right before it, and have not been answered */
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

    /* Statements are named by what they say: a session that a pooler shares among clients may hold those of another
     * version of this program, which must not be run by mistake. */
    char (*names)[PIPELINE_NAME_SIZE];
    bool is_pooled;  /* a transaction may run in any session: the settings go with each Sync */
    bool sends_text; /* prepared statements cannot be relied on: their text goes with each query */

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

/* pipeline_session.c: names the statements; false when memory is short. */
bool pipeline_name_statements(struct db_pipeline *pipeline);

/* pipeline_session.c: sends everything that a session needs at once, before the first answer is there. */
bool pipeline_send_session(struct db_pipeline *pipeline);

/* pipeline_session.c: sends the settings for what follows up to the next Sync. */
bool pipeline_send_settings(struct db_pipeline *pipeline);

/* pipeline_session.c: sends one query, prepared or as text. */
bool pipeline_send_query(struct db_pipeline *pipeline, struct pipeline_query *query);

/* pipeline_session.c: an answer to one of the statements that begin a session. False when the session is of no use. */
bool pipeline_take_session_result(struct db_pipeline *pipeline, const PGresult *result);

/* pipeline_session.c: whether a failure says only that the prepared statement is not there, or not as it was; from then
 * on, until the connection ends, the pipeline does without prepared statements. */
bool pipeline_distrust(struct db_pipeline *pipeline, const PGresult *result);

/* pipeline_query.c: takes what the server has answered. */
void pipeline_receive(struct db_pipeline *pipeline);

/* pipeline_query.c: ends every query of a queue with this error. */
void pipeline_fail_queue(struct db_pipeline *pipeline, struct pipeline_queue queue, const struct err *err);

/* pipeline_query.c: hands the output to the kernel, and notes whether more of it is left. */
bool pipeline_push(struct db_pipeline *pipeline);

#endif
