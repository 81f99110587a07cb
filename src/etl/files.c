/* Expanding directories.
 * Not here: opening files. */
#include "etl/files.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "digitalism/base/file.h"

void files_done(struct files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->paths[i]);
    }
    free(files->paths);
    *files = (struct files){.paths = NULL, .count = 0};
}

/* Takes the path over. */
static int append(struct files *files, char *path, struct err *err)
{
    if (path == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the list of files");
    }
    if (files->count == FILES_MAX) {
        free(path);
        return err_set(err, ERR_ETL, "there are more than %d files to load", FILES_MAX);
    }
    char **paths = realloc(files->paths, (files->count + 1) * sizeof(*paths));
    if (paths == NULL) {
        free(path);
        return err_set(err, ERR_INTERNAL, "no memory for the list of files");
    }
    files->paths = paths;
    files->paths[files->count] = path;
    files->count += 1;
    return 0;
}

static char *join(const char *directory, const char *name)
{
    char *path = NULL;
    size_t length = strlen(directory);
    const char *slash = length > 0 && directory[length - 1] == '/' ? "" : "/";
    return asprintf(&path, "%s%s%s", directory, slash, name) < 0 ? NULL : path;
}

static bool ends_in_csv(const char *name)
{
    size_t length = strlen(name);
    return name[0] != '.' && length > 4 && strcasecmp(name + length - 4, ".csv") == 0;
}

static int append_directory(struct files *files, const char *directory, struct err *err)
{
    struct file_list list = {.names = NULL, .count = 0};
    int result = file_list(&list, directory, err);
    if (result < 0) {
        return err_recode(err, ERR_ETL);
    }
    size_t before = files->count;
    for (size_t i = 0; i < list.count && result == 0; i++) {
        if (ends_in_csv(list.names[i])) {
            result = append(files, join(directory, list.names[i]), err);
        }
    }
    file_list_done(&list);
    if (result == 0 && files->count == before) {
        result = err_set(err, ERR_ETL, "the directory %s has no file whose name ends in .csv", directory);
        err_hint(err, "put the files there, or name another file or directory in CSV_DATA_PATH");
    }
    return result;
}

int files_append(struct files *files, const char *path, struct err *err)
{
    struct stat status;
    if (stat(path, &status) < 0) {
        (void) err_set_errno(err, ERR_ETL, errno, "cannot read %s", path);
        err_hint(err, "name a CSV file, or a directory of CSV files, in CSV_DATA_PATH or on the command line");
        return -(int) ERR_ETL;
    }
    if (S_ISDIR(status.st_mode)) {
        return append_directory(files, path, err);
    }
    if (!S_ISREG(status.st_mode)) {
        /* A file is read more than once, so that a pipe will not do. */
        return err_set(err, ERR_ETL, "%s is neither a file nor a directory", path);
    }
    return append(files, strdup(path), err);
}
