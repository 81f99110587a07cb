/* What a session of the pipeline begins with: its settings and prepared statements, and how to do without either where
 * a pooler gives each transaction another session. Not here: connecting (pipeline.c); the queries and the order of the
 * answers (pipeline_query.c). */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"
#include "db/pipeline.h"
#include "digitalism/base/log.h"

/* The form of the answers rests on these; a role, a database or another user of a pooled session may have others.
 * PostgreSQL tells a client its process id at login; a pooler cannot pass that on, since its client has no process of
 * its own. Where the two differ, the settings must not outlive their transaction: they would be lost on the way to the
 * next session and left behind for whoever gets this one, and a statement_timeout of ours would end other people's
 * statements. (client_encoding is a startup parameter, which poolers keep for each client.) */
static const char settings_sql[] =
    "SELECT is_pooled, set_config('statement_timeout', $1, is_pooled), set_config('DateStyle', 'ISO, YMD', is_pooled),"
    " set_config('TimeZone', 'UTC', is_pooled), set_config('extra_float_digits', '1', is_pooled)"
    " FROM (SELECT pg_catalog.pg_backend_pid() <> $2::integer AS is_pooled) AS session";

/* FNV-1a. Nobody chooses our statements in order to make two of them collide. */
static uint64_t hash(const char *text)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        value = (value ^ (unsigned char) *text) * UINT64_C(0x100000001b3);
    }
    return value;
}

bool pipeline_name_statements(struct db_pipeline *pipeline)
{
    size_t count = pipeline->options.statement_count;
    pipeline->names = calloc(count > 0 ? count : 1, sizeof(*pipeline->names));
    for (size_t i = 0; pipeline->names != NULL && i < count; i++) {
        const struct db_statement *statement = &pipeline->options.statements[i];
        assert(statement->parameter_count <= DB_PARAMETERS_MAX);
        (void) snprintf(pipeline->names[i], sizeof(pipeline->names[i]), "s%016" PRIx64, hash(statement->sql));
    }
    return pipeline->names != NULL;
}

bool pipeline_send_settings(struct db_pipeline *pipeline)
{
    char timeout[24];
    char process[16];
    int pid = pipeline->is_pooled ? 0 : PQbackendPID(pipeline->connection);
    (void) snprintf(timeout, sizeof(timeout), "%" PRId64, pipeline->options.statement_timeout_ms);
    (void) snprintf(process, sizeof(process), "%d", pid);
    const char *values[] = {timeout, process};
    return PQsendQueryParams(pipeline->connection, settings_sql, 2, NULL, values, NULL, NULL, 0) == 1;
}

bool pipeline_send_session(struct db_pipeline *pipeline)
{
    PGconn *connection = pipeline->connection;
    if (PQsetnonblocking(connection, 1) != 0 || PQenterPipelineMode(connection) != 1 ||
        !pipeline_send_settings(pipeline)) {
        return false;
    }
    for (size_t i = 0; i < pipeline->options.statement_count; i++) {
        if (PQsendPrepare(connection, pipeline->names[i], pipeline->options.statements[i].sql, 0, NULL) != 1) {
            return false;
        }
    }
    pipeline->session_results = pipeline->options.statement_count + 1;
    pipeline->syncs = 1;
    return PQpipelineSync(connection) == 1;
}

bool pipeline_send_query(struct db_pipeline *pipeline, struct pipeline_query *query)
{
    const struct db_statement *statement = &pipeline->options.statements[query->statement];
    query->is_prepared = !pipeline->sends_text;
    if (query->is_prepared) {
        return PQsendQueryPrepared(pipeline->connection, pipeline->names[query->statement], statement->parameter_count,
                                   query->values, NULL, NULL, 0) == 1;
    }
    return PQsendQueryParams(pipeline->connection, statement->sql, statement->parameter_count, NULL, query->values,
                             NULL, NULL, 0) == 1;
}

bool pipeline_distrust(struct db_pipeline *pipeline, const PGresult *result)
{
    static const struct {
        const char *sqlstate;
        bool tells_pooler;
    } reasons[] = {
        {"42P05", true},  /* duplicate_prepared_statement: another client of the pooler prepared it here */
        {"26000", true},  /* invalid_sql_statement_name: prepared, but in another session */
        {"0A000", false}, /* feature_not_supported: a column has got another type since ("cached plan …") */
    };
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    for (size_t i = 0; sqlstate != NULL && i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(sqlstate, reasons[i].sqlstate) == 0) {
            if (!pipeline->sends_text) {
                log_info("PostgreSQL does not keep this connection's prepared statements (%s, %s): sending the text of "
                         "each statement with its query from now on",
                         PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), sqlstate);
            }
            pipeline->sends_text = true;
            pipeline->is_pooled |= reasons[i].tells_pooler;
            return true;
        }
    }
    return false;
}

bool pipeline_take_session_result(struct db_pipeline *pipeline, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    bool is_settings = pipeline->session_results == pipeline->options.statement_count + 1;
    pipeline->session_results -= 1;
    if (status == PGRES_TUPLES_OK && is_settings) {
        pipeline->is_pooled = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
        return true;
    }
    /* Behind a statement that could not be prepared, the server drops the others. */
    if (status == PGRES_COMMAND_OK || (status == PGRES_PIPELINE_ABORTED && pipeline->sends_text) ||
        pipeline_distrust(pipeline, result)) {
        return true;
    }
    struct err err;
    (void) db_error_result(&err, result);
    (void) err_prefix(&err, "cannot prepare the session on %s", db_target_text(pipeline->options.target));
    pipeline_fail(pipeline, &err);
    return false;
}
