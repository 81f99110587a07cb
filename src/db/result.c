/* Reading typed values out of results, and making parameters.
 * Not here: getting results (connection.c, pipeline.c). */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

struct db_value db_text(const char *text)
{
    return (struct db_value){.data = text, .length = 0, .type = 0, .binary = false};
}

struct db_value db_binary(const void *data, size_t length, unsigned type)
{
    /* Longer than the protocol can say: a length that the server refuses, instead of one that wraps around. */
    int bytes = length > INT_MAX ? INT_MAX : (int) length;
    return (struct db_value){.data = data, .length = bytes, .type = type, .binary = true};
}

void db_result_free(struct db_result *result)
{
    if (result != NULL) {
        PQclear(result->pg);
        free(result);
    }
}

void db_auto_result(struct db_result **result)
{
    db_result_free(*result);
    *result = NULL;
}

size_t db_result_rows(const struct db_result *result)
{
    return (size_t) PQntuples(result->pg);
}

bool db_result_null(const struct db_result *result, size_t row, int column)
{
    return PQgetisnull(result->pg, (int) row, column) != 0;
}

const char *db_result_text(const struct db_result *result, size_t row, int column)
{
    const char *text = PQgetvalue(result->pg, (int) row, column);
    return text == NULL ? "" : text;
}

int64_t db_result_integer(const struct db_result *result, size_t row, int column)
{
    return strtoll(db_result_text(result, row, column), NULL, 10);
}

bool db_result_boolean(const struct db_result *result, size_t row, int column)
{
    return strcmp(db_result_text(result, row, column), "t") == 0;
}

int64_t db_result_affected(const struct db_result *result)
{
    return strtoll(PQcmdTuples(result->pg), NULL, 10);
}
