/* The handlers of the route table, one for each route.
 * Not here: their paths and methods (routes.c). */
#ifndef DIGITALISM_API_HANDLERS_H
#define DIGITALISM_API_HANDLERS_H

#include "digitalism/http.h"

http_handler api_root_get;
http_handler api_health_get;

http_handler api_regions_list;
http_handler api_regions_get;

http_handler api_departments_list;
http_handler api_departments_get;
http_handler api_departments_by_region;

http_handler api_cities_list;
http_handler api_cities_get;
http_handler api_cities_by_department;
http_handler api_cities_by_postal_code;
http_handler api_cities_by_name;

#endif
