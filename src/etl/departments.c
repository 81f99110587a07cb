/* The sorted list of departments.
 * Not here: where they come from. */
#include "etl/departments.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int departments_append(struct departments *departments, const char *code, int32_t id, struct err *err)
{
    if (departments->count == DEPARTMENTS_MAX) {
        return err_set(err, ERR_ETL, "there are more than %d departments", DEPARTMENTS_MAX);
    }
    if (strlen(code) >= COMMUNE_DEPARTMENT_CODE_SIZE) {
        return err_set(err, ERR_ETL, "department code \"%s\" is too long", code);
    }
    if (departments->list == NULL) {
        departments->list = calloc(DEPARTMENTS_MAX, sizeof(*departments->list));
        if (departments->list == NULL) {
            return err_set(err, ERR_INTERNAL, "no memory for the departments");
        }
    }
    struct department *department = &departments->list[departments->count];
    assert(departments->count == 0 || strcmp(department[-1].code, code) < 0);
    memcpy(department->code, code, strlen(code) + 1);
    department->id = id;
    departments->count += 1;
    return 0;
}

void departments_done(struct departments *departments)
{
    free(departments->list);
    *departments = (struct departments){.list = NULL, .count = 0};
}

static int compare_code(const void *code, const void *department)
{
    return strcmp(code, ((const struct department *) department)->code);
}

int32_t departments_find(const struct departments *departments, const char *code)
{
    if (departments->count == 0) {
        return -1;
    }
    const struct department *found =
        bsearch(code, departments->list, departments->count, sizeof(*departments->list), compare_code);
    return found == NULL ? -1 : found->id;
}
