/* The route table: every path and method of the API. Whatever speaks about all routes is to be made from it.
 * Not here: what a route does. */
#include "api/handlers.h"
#include "api/worker.h"

const struct http_route api_routes[] = {
    {HTTP_METHOD_GET, "/", api_root_get},
    {HTTP_METHOD_GET, "/health", api_health_get},

    {HTTP_METHOD_GET, "/regions/", api_regions_list},
    {HTTP_METHOD_GET, "/regions/{region_id}", api_regions_get},

    {HTTP_METHOD_GET, "/departments/", api_departments_list},
    {HTTP_METHOD_GET, "/departments/{department_id}", api_departments_get},
    {HTTP_METHOD_GET, "/departments/by-region/{region_id}", api_departments_by_region},

    {HTTP_METHOD_GET, "/cities/", api_cities_list},
    {HTTP_METHOD_GET, "/cities/{city_id}", api_cities_get},
    {HTTP_METHOD_GET, "/cities/by-department/{department_id}", api_cities_by_department},
    {HTTP_METHOD_GET, "/cities/by-postal-code/{code_postal}", api_cities_by_postal_code},
    {HTTP_METHOD_GET, "/cities/by-name/{name}", api_cities_by_name},
};
const size_t api_route_count = sizeof(api_routes) / sizeof(api_routes[0]);
