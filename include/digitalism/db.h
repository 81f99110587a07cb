/* PostgreSQL: where to connect, one blocking connection with deadlines for the stages, typed results.
 * The only user of libpq. Not here: which statements are run. The workers' asynchronous side is db_pipeline.h. */
#ifndef DIGITALISM_DB_H
#define DIGITALISM_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"

/* Where and as whom to connect: parsed once, immutable, safe to use on both sides of a fork. */
struct db_target;

/* Parses a connection URI (libpq manual, 34.1.1.2), also with SQLAlchemy's `postgresql+driver://` schemes; user and
 * password (may be NULL) complete or override it. -ERR_CONFIG with a message that repeats no secret. */
int db_target_new(struct db_target **out, const char *url, const char *user, const char *password, struct err *err);
void db_target_free(struct db_target *target);

/* Whether the URL, or what completed it, says who logs in. */
bool db_target_names_user(const struct db_target *target);

/* "user@host:port/database", every host of several, never a password. Owned by the target. */
const char *db_target_text(const struct db_target *target);

struct db;
struct db_options {
    const char *application_name;
    int64_t connect_timeout_ms;   /* for the whole attempt */
    int64_t statement_timeout_ms; /* 0: none; sent to the server as statement_timeout */
};

/* Connects and logs in. -ERR_DATABASE with `sqlstate` (where the server gave one) and `transient` filled: transient are
 * refused, reset, timeout, no socket file, unresolved name, no server of several that suits target_session_attrs,
 * 57P01-57P03, 53300 and class 08 (PostgreSQL, appendix A). Names are resolved in a thread, which is left behind
 * where the resolver is slower than the timeout: not for processes that fork. */
int db_open(struct db **out, const struct db_target *target, const struct db_options *options, struct err *err);

/* The same, given up with -ERR_INTERRUPTED when a stop is asked for meanwhile. */
int db_open_stoppable(struct db **out, const struct db_target *target, const struct db_options *options, int stop_fd,
                      struct err *err);
void db_close(struct db *db); /* NULL is allowed */
void db_auto_close(struct db **db);
#define DB_AUTO __attribute__((cleanup(db_auto_close))) struct db *

/* Whether the session runs over a Unix socket. */
bool db_is_local(const struct db *db);

/* From now on a stop (base/stop.h) cancels the running statement, and the call returns -ERR_INTERRUPTED; where the
 * statement was done before the cancel arrived, it returns 0, and the next call is refused. STOP_NONE ends it. */
void db_interruptible(struct db *db, int stop_fd);

/* A parameter or column in text or binary form; NULL data is SQL NULL. Types are OIDs (0: the server infers). */
struct db_value {
    const void *data;
    int length; /* bytes; used for binary only */
    unsigned type;
    bool binary;
};
struct db_value db_text(const char *text); /* the text must outlive the call */
struct db_value db_binary(const void *data, size_t length, unsigned type);

struct db_result;
void db_result_free(struct db_result *result);
void db_auto_result(struct db_result **result);
#define DB_RESULT_AUTO __attribute__((cleanup(db_auto_result))) struct db_result *
size_t db_result_rows(const struct db_result *result);
bool db_result_null(const struct db_result *result, size_t row, int column);
const char *db_result_text(const struct db_result *result, size_t row, int column); /* "" for NULL; text results */
int64_t db_result_integer(const struct db_result *result, size_t row, int column);  /* 0 for NULL */
bool db_result_boolean(const struct db_result *result, size_t row, int column);
int64_t db_result_affected(const struct db_result *result); /* rows of INSERT, UPDATE, DELETE */

/* Runs one or many statements without parameters (simple query protocol) and drops their rows. On an SQL error the
 * message has text, DETAIL and SQLSTATE, the hint is the server's; the connection stays usable. */
int db_exec(struct db *db, const char *sql, struct err *err);

/* What PostgreSQL says of an error beside its code, each text cut to its room (libpq manual, PQresultErrorField). */
struct db_diagnosis {
    size_t position; /* 1-based character in the statement; 0: it has none */
    char message[512];
    char detail[512];
    char hint[512];
    char context[512];
};

/* The same for one statement; `data` (may be NULL) is what a COPY … FROM STDIN reads. After an SQL error, and then
 * only, `out` is filled. */
int db_exec_statement(struct db *db, const char *sql, const char *data, size_t data_bytes, struct db_diagnosis *out,
                      struct err *err);

/* One or many statements, of which the last one gives rows: `out` gets them as text, to be freed by the caller. */
int db_exec_rows(struct db *db, struct db_result **out, const char *sql, struct err *err);

/* Runs one statement with parameters $1…; `out` (may be NULL) gets the text result, to be freed by the caller. */
int db_query(struct db *db, struct db_result **out, const char *sql, const struct db_value *values, int count,
             struct err *err);

/* The same for a statement prepared under a name on this connection. */
int db_prepare(struct db *db, const char *name, const char *sql, struct err *err);
int db_query_prepared(struct db *db, struct db_result **out, const char *name, const struct db_value *values, int count,
                      struct err *err);

/* Whether the connection, which must be idle, leads through a pooler that gives its session to other clients between
 * two transactions: what a session holds, an advisory lock above all, is then not this connection's own. A second,
 * short connection to the same target finds it out; on a busy pooler it may miss it. A stop ends it with
 * -ERR_INTERRUPTED. */
int db_session_shared(struct db *db, const struct db_target *target, int stop_fd, bool *is_shared, struct err *err);

/* Whether a transaction block is open (PQtransactionStatus). */
bool db_in_transaction(const struct db *db);
int db_server_version(const struct db *db); /* 150018 */

#endif
