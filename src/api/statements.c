/* The SQL of the API. Columns come in the order of the contract, which is the order of the resources' tables.
 * Not here: turning rows into answers (resource.c). */
#include "api/statements.h"

#define REGION "SELECT id, created_at, updated_at, deleted_at, name FROM regions WHERE deleted_at IS NULL"
#define DEPARTMENT                                                                                                     \
    "SELECT id, created_at, updated_at, deleted_at, name, code_departement, region_id FROM departments WHERE "         \
    "deleted_at IS NULL"
#define CITY                                                                                                           \
    "SELECT id, created_at, updated_at, deleted_at, name, code_postal, department_id, latitude, longitude"             \
    " FROM cities WHERE deleted_at IS NULL"
#define PAGE   " ORDER BY id OFFSET $1::bigint LIMIT $2::bigint"
#define SORTED " ORDER BY id"

const struct db_statement api_statements[API_STATEMENT_COUNT] = {
    [API_REGIONS_LIST] = {REGION PAGE, 2},
    [API_REGION_BY_ID] = {REGION " AND id = $1::integer", 1},
    [API_DEPARTMENTS_LIST] = {DEPARTMENT PAGE, 2},
    [API_DEPARTMENT_BY_ID] = {DEPARTMENT " AND id = $1::integer", 1},
    [API_DEPARTMENTS_BY_REGION] = {DEPARTMENT " AND region_id = $1::integer" SORTED, 1},
    [API_CITIES_LIST] = {CITY PAGE, 2},
    [API_CITY_BY_ID] = {CITY " AND id = $1::integer", 1},
    [API_CITIES_BY_DEPARTMENT] = {CITY " AND department_id = $1::integer" SORTED, 1},
    [API_CITIES_BY_POSTAL_CODE] = {CITY " AND code_postal = $1::text" SORTED, 1},
    [API_CITIES_BY_NAME] = {CITY " AND name = $1::text" SORTED, 1},
};
