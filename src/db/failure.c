/* libpq's failures as struct err.
 * Not here: judging and cleaning the texts (sqlstate.c). */
#include <stdio.h>
#include <string.h>

#include "db/internal.h"

static void set_sqlstate(struct err *err, const char *sqlstate)
{
    if (err != NULL) {
        (void) snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", sqlstate);
    }
}

static void set_transient(struct err *err, bool transient)
{
    if (err != NULL) {
        err->transient = transient;
    }
}

int db_error_result(struct err *err, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    if (sqlstate == NULL || primary == NULL) {
        /* Not the server's: libpq made this result itself, because the connection or the memory is gone. */
        BUFFER_AUTO message = BUFFER_EMPTY;
        char found[6];
        db_message_clean(&message, found, PQresultErrorMessage(result));
        (void) err_set(err, ERR_DATABASE, "%s", message.length > 0 ? buffer_text(&message) : "no result");
        set_sqlstate(err, found);
        set_transient(err, true);
        return -(int) ERR_DATABASE;
    }
    (void) err_set(err, ERR_DATABASE, "%s%s%s (%s)", primary, detail == NULL ? "" : "; ", detail == NULL ? "" : detail,
                   sqlstate);
    set_sqlstate(err, sqlstate);
    set_transient(err, db_sqlstate_transient(sqlstate));
    if (hint != NULL) {
        err_hint(err, "%s", hint);
    }
    return -(int) ERR_DATABASE;
}

int db_error_connect(struct err *err, const PGconn *connection, const char *text)
{
    BUFFER_AUTO message = BUFFER_EMPTY;
    char sqlstate[6];
    db_message_clean(&message, sqlstate, PQerrorMessage(connection));
    const char *reason = message.length > 0 ? buffer_text(&message) : "no reason given";
    if (sqlstate[0] != '\0') {
        (void) err_set(err, ERR_DATABASE, "cannot log in to %s: %s (%s)", text, reason, sqlstate);
        set_transient(err, db_sqlstate_transient(sqlstate));
    } else {
        (void) err_set(err, ERR_DATABASE, "cannot connect to %s: %s", text, reason);
        set_transient(err, db_message_transient(reason));
    }
    set_sqlstate(err, sqlstate);
    return -(int) ERR_DATABASE;
}

int db_error_connect_timeout(struct err *err, const char *text, int64_t timeout_ms)
{
    (void) err_set(err, ERR_DATABASE, "cannot connect to %s: no answer within %lld ms", text, (long long) timeout_ms);
    set_transient(err, true);
    return -(int) ERR_DATABASE;
}

int db_error_lost(struct err *err, const PGconn *connection, const char *text)
{
    BUFFER_AUTO message = BUFFER_EMPTY;
    char sqlstate[6];
    db_message_clean(&message, sqlstate, PQerrorMessage(connection));
    (void) err_set(err, ERR_DATABASE, "the connection to %s was lost: %s", text,
                   message.length > 0 ? buffer_text(&message) : "no reason given");
    set_sqlstate(err, sqlstate);
    set_transient(err, true);
    return -(int) ERR_DATABASE;
}
