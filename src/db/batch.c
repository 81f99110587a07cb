/* Pipeline mode on a stage's connection: sending with a Sync each, collecting one answer at a time.
 * Not here: which statements, how many at once, what follows from a refusal (etl). */
#include "digitalism/db_batch.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"
#include "digitalism/base/clock.h"
#include "digitalism/base/stop.h"

int db_batch_begin(struct db *db, struct err *err)
{
    db->in_answer = calloc(1, sizeof(*db->in_answer));
    if (db->in_answer == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for a pipeline");
    }
    return PQenterPipelineMode(db->pg) == 1 ? 0 : db_error_lost(err, db->pg, db->target);
}

int db_batch_end(struct db *db, struct err *err)
{
    db_batch_forget(db);
    return PQexitPipelineMode(db->pg) == 1 ? 0 : db_error_lost(err, db->pg, db->target);
}

void db_batch_forget(struct db *db)
{
    if (db->in_answer != NULL) {
        db_result_free(db->in_answer->rows);
        free(db->in_answer);
        db->in_answer = NULL;
    }
}

int db_batch_send(struct db *db, const char *name, const struct db_value *values, int count, struct err *err)
{
    struct db_parameters all;
    int failure = db_spread(&all, values, count, err);
    if (failure != 0) {
        return failure;
    }
    bool is_sent = PQsendQueryPrepared(db->pg, name, count, all.values, all.lengths, all.formats, 0) == 1 &&
                   PQpipelineSync(db->pg) == 1 && PQflush(db->pg) >= 0;
    return is_sent ? 0 : db_error_lost(err, db->pg, db->target);
}

/* An error that ends the session, told by the server or made up by libpq when the socket broke. */
static bool ends_session(const struct db *db, const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return PQstatus(db->pg) == CONNECTION_BAD || severity == NULL || strcmp(severity, "ERROR") != 0;
}

/* Takes one result of the oldest statement. 1: its answer is complete; 0: more of it will come. */
static int take_result(struct db *db, PGresult *result, struct err *err)
{
    struct db_answer *answer = db->in_answer;
    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        PQclear(result);
        return 1;
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        answer->rows = calloc(1, sizeof(*answer->rows));
        if (answer->rows == NULL) {
            PQclear(result);
            return err_set(err, ERR_INTERNAL, "no memory for a result");
        }
        answer->rows->pg = result;
        return 0;
    default:
        break;
    }
    /* The commit at the Sync may fail although the statement itself was done, and has given its rows. */
    db_result_free(answer->rows);
    answer->rows = NULL;
    bool is_over = ends_session(db, result);
    int failure = db_error_result(is_over ? err : &answer->refusal, result);
    PQclear(result);
    if (is_over && err != NULL) {
        (void) err_prefix(err, "the connection to %s was lost", db->target);
        err->transient = true;
    }
    return is_over ? failure : 0;
}

int db_batch_receive(struct db *db, struct db_answer *out, struct err *err)
{
    while (PQisBusy(db->pg) == 0) {
        PGresult *result = PQgetResult(db->pg);
        if (result == NULL && PQstatus(db->pg) == CONNECTION_BAD) {
            return db_error_lost(err, db->pg, db->target);
        }
        if (result == NULL) {
            /* The end of a statement's results, or of everything that was sent. */
            if (PQisBusy(db->pg) != 0 || PQtransactionStatus(db->pg) == PQTRANS_IDLE) {
                return 0;
            }
            continue;
        }
        int complete = take_result(db, result, err);
        if (complete < 0) {
            return complete;
        }
        if (complete == 1) {
            *out = *db->in_answer;
            *db->in_answer = (struct db_answer){.rows = NULL};
            return 1;
        }
    }
    return 0;
}

/* Sends what libpq holds, and tells which events are worth waiting for. */
static int watch(struct db *db, struct pollfd *watched, struct err *err)
{
    int left = PQflush(db->pg);
    if (left < 0 || PQsocket(db->pg) < 0) {
        return db_error_lost(err, db->pg, db->target);
    }
    *watched = (struct pollfd){.fd = PQsocket(db->pg), .events = (short) (left > 0 ? POLLIN | POLLOUT : POLLIN)};
    return 0;
}

static int read_ready(struct db *const *dbs, const struct pollfd *watched, size_t count, struct err *err)
{
    int arrived = 0;
    for (size_t i = 0; i < count; i++) {
        if (watched[i].revents == 0 || watched[i].revents == POLLOUT) {
            continue;
        }
        arrived = 1;
        if (PQconsumeInput(dbs[i]->pg) != 1) {
            return db_error_lost(err, dbs[i]->pg, dbs[i]->target);
        }
    }
    return arrived;
}

int db_batch_wait(struct db *const *dbs, size_t count, int stop_fd, int64_t deadline_ms, struct err *err)
{
    struct pollfd watched[DB_BATCH_CONNECTIONS_MAX + 1];
    assert(count <= DB_BATCH_CONNECTIONS_MAX);
    for (;;) {
        for (size_t i = 0; i < count; i++) {
            int failure = watch(dbs[i], &watched[i], err);
            if (failure != 0) {
                return failure;
            }
        }
        watched[count] = (struct pollfd){.fd = stop_fd, .events = POLLIN}; /* poll(2) passes over a negative one */
        int ready = poll(watched, (nfds_t) count + 1, clock_poll_timeout(deadline_ms));
        if (ready < 0 && errno != EINTR) {
            return err_set_errno(err, ERR_INTERNAL, errno, "cannot wait for PostgreSQL");
        }
        if (ready > 0 && watched[count].revents != 0) {
            return err_set(err, ERR_INTERRUPTED, "stopped by request");
        }
        int arrived = ready > 0 ? read_ready(dbs, watched, count, err) : 0;
        if (arrived != 0 || clock_remaining_ms(deadline_ms) == 0) {
            return arrived;
        }
    }
}
