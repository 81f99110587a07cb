/* The prepared statements of the API, by name.
 * Not here: which route uses which (the resources' files). */
#ifndef DIGITALISM_API_STATEMENTS_H
#define DIGITALISM_API_STATEMENTS_H

#include "digitalism/db_pipeline.h"

enum api_statement {
    API_REGIONS_LIST,          /* skip, limit */
    API_REGION_BY_ID,          /* id */
    API_DEPARTMENTS_LIST,      /* skip, limit */
    API_DEPARTMENT_BY_ID,      /* id */
    API_DEPARTMENTS_BY_REGION, /* region id */
    API_CITIES_LIST,           /* skip, limit */
    API_CITY_BY_ID,            /* id */
    API_CITIES_BY_DEPARTMENT,  /* department id */
    API_CITIES_BY_POSTAL_CODE, /* postal code */
    API_CITIES_BY_NAME,        /* name in its normal form */
    API_STATEMENT_COUNT
};

extern const struct db_statement api_statements[API_STATEMENT_COUNT];

#endif
