/* Which files a run loads. Not here: what is in them (source.h). */
#ifndef ETL_FILES_H
#define ETL_FILES_H

#include <stddef.h>

#include "digitalism/base/error.h"

#define FILES_MAX 10000

/* Zeroed at first; release with files_done(). */
struct files {
    char **paths;
    size_t count;
};

/* Appends a file's path, or those of a directory's *.csv in name order. -ERR_ETL for a path that is neither, and for a
 * directory without any. */
int files_append(struct files *files, const char *path, struct err *err);
void files_done(struct files *files);

#endif
