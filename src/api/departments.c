/* The departments: their columns and routes.
 * Not here: what all resources share (resource.c). */
#include "api/handlers.h"
#include "api/resource.h"

static const struct api_column columns[] = {
    {"id", API_FORM_NUMBER},        {"created_at", API_FORM_TIME}, {"updated_at", API_FORM_TIME},
    {"deleted_at", API_FORM_TIME},  {"name", API_FORM_TEXT},       {"code_departement", API_FORM_TEXT},
    {"region_id", API_FORM_NUMBER},
};

const struct api_resource api_departments = {.id_name = "department_id",
                                             .label = "Département",
                                             .columns = columns,
                                             .column_count = sizeof(columns) / sizeof(columns[0])};

void api_departments_list(struct http_exchange *exchange, void *worker)
{
    api_list(exchange, worker, &api_departments, API_DEPARTMENTS_LIST);
}

void api_departments_get(struct http_exchange *exchange, void *worker)
{
    api_get(exchange, worker, &api_departments, API_DEPARTMENT_BY_ID);
}

void api_departments_by_region(struct http_exchange *exchange, void *worker)
{
    api_list_of(exchange, worker, &api_departments, API_DEPARTMENTS_BY_REGION, &api_regions);
}
