/* The regions: their columns and routes.
 * Not here: what all resources share (resource.c). */
#include "api/handlers.h"
#include "api/resource.h"

static const struct api_column columns[] = {
    {"id", API_FORM_NUMBER},       {"created_at", API_FORM_TIME}, {"updated_at", API_FORM_TIME},
    {"deleted_at", API_FORM_TIME}, {"name", API_FORM_TEXT},
};

const struct api_resource api_regions = {.id_name = "region_id",
                                         .label = "Région",
                                         .columns = columns,
                                         .column_count = sizeof(columns) / sizeof(columns[0])};

void api_regions_list(struct http_exchange *exchange, void *worker)
{
    api_list(exchange, worker, &api_regions, API_REGIONS_LIST);
}

void api_regions_get(struct http_exchange *exchange, void *worker)
{
    api_get(exchange, worker, &api_regions, API_REGION_BY_ID);
}
