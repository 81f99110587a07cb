/* One blocking connection: opening it by a deadline, running statements on it, cancelling them on a stop.
 * Not here: the workers' asynchronous connection (pipeline.c). */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "db/internal.h"
#include "digitalism/base/clock.h"
#include "digitalism/base/stop.h"

#define CANCEL_REPEAT_MS 500 /* a cancel that arrives before its statement is lost, so it is sent again */
#define CANCEL_LIMIT_MS  5000
#define COPY_BYTES       ((size_t) 64 * 1024)

static void cancel(struct db *db)
{
    char complaint[256];
    PGcancel *handle = PQgetCancel(db->pg);
    if (handle != NULL) {
        /* When it fails the wait's own limit ends the statement by closing the connection. */
        (void) PQcancel(handle, complaint, sizeof(complaint));
        PQfreeCancel(handle);
    }
}

/* Waits for the socket. A stop makes the server cancel the statement, whose end is then waited for, but not for ever.
 */
static int wait_socket(struct db *db, short events, struct err *err)
{
    for (;;) {
        int fd = PQsocket(db->pg);
        if (fd < 0) {
            return db_error_lost(err, db->pg, db->target);
        }
        int64_t deadline_ms = db->deadline_ms;
        if (db->cancelled) {
            deadline_ms = clock_earlier(deadline_ms, clock_now_ms() + CANCEL_REPEAT_MS);
        }
        int ready = stop_poll(db->cancelled ? STOP_NONE : db->stop_fd, fd, events, deadline_ms, err);
        if (ready == -(int) ERR_INTERRUPTED) {
            cancel(db);
            db->cancelled = true;
            db->deadline_ms = clock_earlier(db->deadline_ms, clock_now_ms() + CANCEL_LIMIT_MS);
            continue;
        }
        if (ready != 0) {
            return ready;
        }
        if (clock_remaining_ms(db->deadline_ms) > 0) {
            cancel(db);
            continue;
        }
        (void) err_set(err, ERR_DATABASE, "%s did not answer in time", db->target);
        if (err != NULL) {
            err->transient = true;
        }
        return -(int) ERR_DATABASE;
    }
}

/* Sends what libpq still holds, reading meanwhile, because a server that cannot write does not read either. */
static int flush(struct db *db, struct err *err)
{
    for (;;) {
        int left = PQflush(db->pg);
        if (left == 0) {
            return 0;
        }
        if (left < 0) {
            return db_error_lost(err, db->pg, db->target);
        }
        int ready = wait_socket(db, POLLIN | POLLOUT, err);
        if (ready < 0) {
            return ready;
        }
        if ((ready & POLLIN) != 0 && PQconsumeInput(db->pg) == 0) {
            return db_error_lost(err, db->pg, db->target);
        }
    }
}

static int next_result(struct db *db, PGresult **out, struct err *err)
{
    while (PQisBusy(db->pg) != 0) {
        int ready = wait_socket(db, POLLIN, err);
        if (ready < 0) {
            return ready;
        }
        if (PQconsumeInput(db->pg) == 0) {
            break; /* PQgetResult gives what the server said before it hung up, else libpq's own error */
        }
    }
    *out = PQgetResult(db->pg);
    return 0;
}

/* A call's extras: what COPY reads, and where an error's details go; both may be missing. */
struct exchange {
    const char *data;
    size_t data_bytes;
    struct db_diagnosis *diagnosis;
};

static int send_copy_data(struct db *db, const struct exchange *exchange, struct err *err)
{
    for (size_t sent = 0; sent < exchange->data_bytes;) {
        size_t left = exchange->data_bytes - sent;
        int bytes = (int) (left < COPY_BYTES ? left : COPY_BYTES);
        int done = PQputCopyData(db->pg, exchange->data + sent, bytes);
        if (done < 0) {
            return db_error_lost(err, db->pg, db->target);
        }
        sent += done == 1 ? (size_t) bytes : 0;
        int failure = flush(db, err);
        if (failure != 0) {
            return failure;
        }
    }
    return 0;
}

/* COPY … FROM STDIN: sends the data, or tells the server that there is none. */
static int copy_in(struct db *db, const struct exchange *exchange, struct err *err)
{
    int failure = send_copy_data(db, exchange, err);
    while (failure == 0) {
        int done = PQputCopyEnd(db->pg, exchange->data != NULL ? NULL : "COPY FROM STDIN is not supported");
        if (done == 1) {
            return flush(db, err);
        }
        if (done < 0) {
            return db_error_lost(err, db->pg, db->target);
        }
        int ready = wait_socket(db, POLLOUT, err);
        failure = ready < 0 ? ready : 0;
    }
    return failure;
}

/* A script with COPY … TO STDOUT: its rows are dropped as those of a SELECT are. */
static int drop_copy_out(struct db *db, struct err *err)
{
    for (;;) {
        char *row = NULL;
        int length = PQgetCopyData(db->pg, &row, 1);
        if (length < 0) {
            return 0; /* the end, or an error that the next result tells */
        }
        PQfreemem(row);
        if (length > 0) {
            continue;
        }
        int ready = wait_socket(db, POLLIN, err);
        if (ready < 0) {
            return ready;
        }
        if (PQconsumeInput(db->pg) == 0) {
            return db_error_lost(err, db->pg, db->target);
        }
    }
}

static void copy_field(char *out, size_t size, const PGresult *result, int field)
{
    const char *text = PQresultErrorField(result, field);
    size_t length = text == NULL ? 0 : strlen(text);
    length = length < size ? length : utf8_cut(text, size - 1);
    memcpy(out, text == NULL ? "" : text, length);
    out[length] = '\0';
}

static int note_failure(const PGresult *result, struct db_diagnosis *out, struct err *err)
{
    if (out != NULL) {
        const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
        out->position = position == NULL ? 0 : (size_t) strtoul(position, NULL, 10);
        copy_field(out->message, sizeof(out->message), result, PG_DIAG_MESSAGE_PRIMARY);
        copy_field(out->detail, sizeof(out->detail), result, PG_DIAG_MESSAGE_DETAIL);
        copy_field(out->hint, sizeof(out->hint), result, PG_DIAG_MESSAGE_HINT);
        copy_field(out->context, sizeof(out->context), result, PG_DIAG_CONTEXT);
    }
    return db_error_result(err, result);
}

/* Reads all results of what was sent. The first error counts, the last result is kept. */
static int collect(struct db *db, PGresult **kept, const struct exchange *exchange, struct err *err)
{
    int failure = 0;
    for (;;) {
        PGresult *result = NULL;
        struct err *told = failure == 0 ? err : NULL;
        int broken = next_result(db, &result, told);
        if (broken == 0 && result == NULL) {
            return failure;
        }
        ExecStatusType status = PQresultStatus(result);
        if (broken == 0 && status == PGRES_COPY_IN) {
            broken = copy_in(db, exchange, told);
        } else if (broken == 0 && status == PGRES_COPY_OUT) {
            broken = drop_copy_out(db, told);
        } else if (broken == 0 && status == PGRES_COPY_BOTH) {
            broken = err_set(told, ERR_DATABASE, "replication commands are not supported");
        }
        if (broken != 0) {
            PQclear(result);
            return failure == 0 ? broken : failure;
        }
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
            failure = failure == 0 ? note_failure(result, exchange->diagnosis, err) : failure;
            PQclear(result);
        } else {
            PQclear(*kept);
            *kept = result;
        }
    }
}

/* Ends a call: `sent` is what PQsend… returned. */
static int finish(struct db *db, int sent, struct db_result **out, const struct exchange *exchange, struct err *err)
{
    PGresult *kept = NULL;
    int failure = sent == 0 ? db_error_lost(err, db->pg, db->target) : flush(db, err);
    if (sent != 0) {
        /* Also behind a failed flush: the server may have said why it hung up. */
        static const struct exchange none = {.data = NULL};
        failure = collect(db, &kept, exchange == NULL ? &none : exchange, err);
    }
    if (failure != 0 && db->cancelled) {
        failure = err_set(err, ERR_INTERRUPTED, "stopped by request");
    } else if (failure != 0 && PQstatus(db->pg) == CONNECTION_BAD && err != NULL) {
        err->transient = true;
    }
    if (failure != 0 || out == NULL) {
        PQclear(kept);
        return failure;
    }
    struct db_result *result = malloc(sizeof(*result));
    if (result == NULL) {
        PQclear(kept);
        return err_set(err, ERR_INTERNAL, "no memory for a result");
    }
    result->pg = kept;
    *out = result;
    return 0;
}

static int begin(struct db *db, struct err *err)
{
    db->cancelled = false;
    db->deadline_ms = CLOCK_NEVER;
    return stop_requested(db->stop_fd) ? err_set(err, ERR_INTERRUPTED, "stopped by request") : 0;
}

/* Polls libpq's connecting until it is done (0), failed, or late (*late). */
static int establish(struct db *db, int64_t deadline_ms, bool *late, struct err *err)
{
    PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
    *late = false;
    while (PQstatus(db->pg) != CONNECTION_BAD) {
        short events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        int ready = stop_poll(db->stop_fd, PQsocket(db->pg), events, deadline_ms, err);
        if (ready < 0) {
            return ready;
        }
        *late = ready == 0;
        if (*late) {
            return -(int) ERR_DATABASE;
        }
        wanted = PQconnectPoll(db->pg);
        if (wanted == PGRES_POLLING_OK) {
            return 0;
        }
        if (wanted == PGRES_POLLING_FAILED) {
            break;
        }
    }
    return db_error_connect(err, db->pg, db->target);
}

/* Gives each of several hosts its share of the time to be the first: a silent one must not hide those behind it. */
static int try_hosts(struct db *db, const struct db_target *target, const struct db_options *options, struct err *err)
{
    struct db_hosts hosts;
    int unresolved = db_resolve(target, db->deadline_ms, db->stop_fd, &hosts, err);
    if (unresolved != 0) {
        return unresolved;
    }
    for (size_t i = 0; i < hosts.count; i++) {
        PQfinish(db->pg);
        db->pg = db_connect_start_at(target, options->application_name, &hosts, i);
        if (db->pg == NULL) {
            return err_set(err, ERR_INTERNAL, "no memory for a connection");
        }
        bool late;
        int64_t share_ms = clock_remaining_ms(db->deadline_ms) / (int64_t) (hosts.count - i);
        int failure = establish(db, clock_now_ms() + share_ms, &late, err);
        if (!late) {
            return failure;
        }
    }
    return db_error_connect_timeout(err, db->target, options->connect_timeout_ms);
}

static int start_session(struct db *db, int64_t statement_timeout_ms, struct err *err)
{
    char sql[DB_SESSION_SQL_BYTES];
    db_session_sql(sql, statement_timeout_ms);
    if (PQsetnonblocking(db->pg, 1) != 0) {
        return db_error_lost(err, db->pg, db->target);
    }
    int failure = finish(db, PQsendQuery(db->pg, sql), NULL, NULL, err);
    if (failure == -(int) ERR_DATABASE && err != NULL && strstr(err->message, db->target) == NULL) {
        /* What the server says of its own end names no server. */
        return err_prefix(err, "cannot start a session on %s", db->target);
    }
    return failure;
}

static int connect_to(struct db *db, const struct db_target *target, const struct db_options *options, struct err *err)
{
    db->deadline_ms = clock_now_ms() + options->connect_timeout_ms;
    db->target = strdup(target->text);
    if (db->target == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for a connection");
    }
    int failure = try_hosts(db, target, options, err);
    return failure != 0 ? failure : start_session(db, options->statement_timeout_ms, err);
}

int db_open_stoppable(struct db **out, const struct db_target *target, const struct db_options *options, int stop_fd,
                      struct err *err)
{
    struct db *db = calloc(1, sizeof(*db));
    if (db == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for a connection");
    }
    db->stop_fd = stop_fd;
    int failure = connect_to(db, target, options, err);
    if (failure != 0) {
        db_close(db);
        return failure;
    }
    db->stop_fd = STOP_NONE;
    *out = db;
    return 0;
}

int db_open(struct db **out, const struct db_target *target, const struct db_options *options, struct err *err)
{
    return db_open_stoppable(out, target, options, STOP_NONE, err);
}

void db_close(struct db *db)
{
    if (db != NULL) {
        db_batch_forget(db);
        PQfinish(db->pg);
        free(db->target);
        free(db);
    }
}

void db_auto_close(struct db **db)
{
    db_close(*db);
    *db = NULL;
}

bool db_is_local(const struct db *db)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof(address);
    return getsockname(PQsocket(db->pg), (struct sockaddr *) &address, &length) == 0 && address.ss_family == AF_UNIX;
}

void db_interruptible(struct db *db, int stop_fd)
{
    db->stop_fd = stop_fd;
}

int db_exec_rows(struct db *db, struct db_result **out, const char *sql, struct err *err)
{
    int failure = begin(db, err);
    return failure != 0 ? failure : finish(db, PQsendQuery(db->pg, sql), out, NULL, err);
}

int db_exec(struct db *db, const char *sql, struct err *err)
{
    return db_exec_rows(db, NULL, sql, err);
}

int db_exec_statement(struct db *db, const char *sql, const char *data, size_t data_bytes, struct db_diagnosis *out,
                      struct err *err)
{
    const struct exchange exchange = {.data = data, .data_bytes = data_bytes, .diagnosis = out};
    int failure = begin(db, err);
    return failure != 0 ? failure : finish(db, PQsendQuery(db->pg, sql), NULL, &exchange, err);
}

int db_spread(struct db_parameters *out, const struct db_value *values, int count, struct err *err)
{
    if (count < 0 || count > DB_VALUES_MAX) {
        return err_set(err, ERR_INTERNAL, "%d parameters, at most %d are possible", count, DB_VALUES_MAX);
    }
    for (int i = 0; i < count; i++) {
        out->types[i] = values[i].type;
        out->values[i] = values[i].data;
        out->lengths[i] = values[i].length;
        out->formats[i] = values[i].binary ? 1 : 0;
    }
    return 0;
}

int db_query(struct db *db, struct db_result **out, const char *sql, const struct db_value *values, int count,
             struct err *err)
{
    struct db_parameters all;
    int failure = db_spread(&all, values, count, err);
    if (failure == 0) {
        failure = begin(db, err);
    }
    if (failure != 0) {
        return failure;
    }
    int sent = PQsendQueryParams(db->pg, sql, count, all.types, all.values, all.lengths, all.formats, 0);
    return finish(db, sent, out, NULL, err);
}

int db_prepare(struct db *db, const char *name, const char *sql, struct err *err)
{
    int failure = begin(db, err);
    return failure != 0 ? failure : finish(db, PQsendPrepare(db->pg, name, sql, 0, NULL), NULL, NULL, err);
}

int db_query_prepared(struct db *db, struct db_result **out, const char *name, const struct db_value *values, int count,
                      struct err *err)
{
    struct db_parameters all;
    int failure = db_spread(&all, values, count, err);
    if (failure == 0) {
        failure = begin(db, err);
    }
    if (failure != 0) {
        return failure;
    }
    int sent = PQsendQueryPrepared(db->pg, name, count, all.values, all.lengths, all.formats, 0);
    return finish(db, sent, out, NULL, err);
}

bool db_in_transaction(const struct db *db)
{
    PGTransactionStatusType status = PQtransactionStatus(db->pg);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

int db_server_version(const struct db *db)
{
    return PQserverVersion(db->pg);
}

int db_login_process(const struct db *db)
{
    return PQbackendPID(db->pg);
}
