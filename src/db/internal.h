/* What the files of db share: the target's connection parameters, the wrapped result, and libpq's failures as struct
 * err. Not here: anything that a caller outside of db may see. */
#ifndef DIGITALISM_DB_INTERNAL_H
#define DIGITALISM_DB_INTERNAL_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "digitalism/db_batch.h"

#define DB_KEYWORDS_MAX      80 /* libpq 17 knows 48 */
#define DB_HOSTS_MAX         64
#define DB_URL_BYTES_MAX     8192
#define DB_SESSION_SQL_BYTES 128

struct db_target {
    PQconninfoOption *options; /* owns the strings below */
    const char *keywords[DB_KEYWORDS_MAX];
    const char *values[DB_KEYWORDS_MAX];
    size_t count;
    size_t host_count; /* 1 to DB_HOSTS_MAX */
    char *text;
};

/* One blocking connection of a stage. */
struct db {
    PGconn *pg;
    char *target; /* text, for messages */
    int stop_fd;
    bool cancelled;              /* the running statement was asked to stop */
    int64_t deadline_ms;         /* of what is being waited for */
    struct db_answer *in_answer; /* of db_batch.h: what has come of the oldest statement's answer, or NULL */
};

/* Parameters as libpq wants them: one array for each property. */
#define DB_VALUES_MAX 64
struct db_parameters {
    Oid types[DB_VALUES_MAX];
    const char *values[DB_VALUES_MAX];
    int lengths[DB_VALUES_MAX];
    int formats[DB_VALUES_MAX];
};
/* Releases what db_batch_begin() made; harmless without it. */
void db_batch_forget(struct db *db);

int db_spread(struct db_parameters *out, const struct db_value *values, int count, struct err *err);

/* A pipeline may make one on its stack for the time of a callback; db_result_free() is for those of db_query(). */
struct db_result {
    PGresult *pg;
};

/* Which of the target's hosts are tried, by their place in the URL. */
struct db_hosts {
    size_t count;
    size_t index[DB_HOSTS_MAX];
};

/* Starts to connect (PQconnectStartParams), with notices silenced and errors verbose, which is how the SQLSTATE of a
 * refused login becomes known. NULL only when memory is short; else the caller polls with PQconnectPoll, first for
 * writing, and a failure is told by db_error_connect(). Only the given hosts are tried (NULL: all), rotated so that
 * number `first` of them comes first: libpq goes on to the next host when one refuses, but waits for ever for one that
 * is silent. */
PGconn *db_connect_start_at(const struct db_target *target, const char *application_name, const struct db_hosts *hosts,
                            size_t first);

/* The name of the host at `index` that has to be resolved, or "" for an address or a socket directory in its place. To
 * be freed; NULL when memory is short. */
char *db_target_lookup_name(const struct db_target *target, size_t index);

/* Sees which hosts have a name that resolves, or need none, and gives up by the deadline: libpq resolves names itself,
 * but for as long as the resolver likes. Transient -ERR_DATABASE when there is no such host; -ERR_INTERRUPTED. */
int db_resolve(const struct db_target *target, int64_t deadline_ms, int stop_fd, struct db_hosts *out, struct err *err);

/* The process that the server named at login; a pooler makes one up. */
int db_login_process(const struct db *db);

/* The statements that every new session of a stage begins with, to be sent as one simple query before anything else.
 * They are statements, not startup parameters in `options`, because poolers refuse those, and because the URL may have
 * `options` of its own. */
void db_session_sql(char sql[static DB_SESSION_SQL_BYTES], int64_t statement_timeout_ms);

/* Fills err from a result whose status is an error: SQLSTATE, `transient`, "text; DETAIL (SQLSTATE)", the server's
 * hint. Returns -ERR_DATABASE, as those below. */
int db_error_result(struct err *err, const PGresult *result);

/* Fills err from a connection that could not be established (CONNECTION_BAD); `text` is the target's. */
int db_error_connect(struct err *err, const PGconn *connection, const char *text);

/* Fills err for an attempt that did not get through in time. */
int db_error_connect_timeout(struct err *err, const char *text, int64_t timeout_ms);

/* Fills err from an established connection that broke; always transient. */
int db_error_lost(struct err *err, const PGconn *connection, const char *text);

/* Whether the same may succeed later: 57P01-57P03, 53300, class 08; for statements also 40001, 40P01 and 55P03. */
bool db_sqlstate_transient(const char *sqlstate);

/* Whether libpq's own failure text (no SQLSTATE in it) is of a kind that time may heal: all that happens on the network
 * is; bad options, a missing password and TLS verification are not. */
bool db_message_transient(const char *message);

/* Makes one line of libpq's verbose, many-line message: without LOCATION lines, severities and SQLSTATEs. `sqlstate`
 * gets the last one that stood in it, or "". */
void db_message_clean(struct buffer *out, char sqlstate[static 6], const char *message);

/* Hides what stands in quotes in a message about a URL, unless it is the name of an option: it may be of a password. */
void db_message_redact(struct buffer *out, const char *message);

#endif
