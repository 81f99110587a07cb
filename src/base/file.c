/* Reading small files whole, listing directories.
 * Not here: CSV and SQL files' meaning. */
#include "digitalism/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t) 64 * 1024)

void file_close(int *fd)
{
    if (*fd >= 0) {
        (void) close(*fd);
        *fd = -1;
    }
}

int file_fill_standard(struct err *err)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            continue;
        }
        /* The lowest free number is this one, because those below were seen to. Opened the wrong way round, its use
         * fails as it would have failed before. */
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) {
            return err_set_errno(err, ERR_INTERNAL, errno, "cannot open /dev/null in place of the closed descriptor %d",
                                 fd);
        }
    }
    return 0;
}

static int read_all(struct buffer *out, int fd, const char *path, size_t bytes_max, struct err *err)
{
    size_t start = out->length;
    for (;;) {
        char *room = buffer_reserve(out, READ_BYTES);
        if (room == NULL) {
            return err_set(err, ERR_INTERNAL, "no memory to read %s", path);
        }
        ssize_t got = read(fd, room, READ_BYTES);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, ERR_CONFIG, errno, "cannot read %s", path);
        }
        buffer_commit(out, (size_t) got);
        if (out->length - start > bytes_max) {
            return err_set(err, ERR_CONFIG, "%s is larger than %zu bytes", path, bytes_max);
        }
        if (got == 0) {
            return 0;
        }
    }
}

int file_read(struct buffer *out, const char *path, size_t bytes_max, struct err *err)
{
    FILE_FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_set_errno(err, ERR_CONFIG, errno, "cannot open %s", path);
    }
    size_t start = out->length;
    int result = read_all(out, fd, path, bytes_max, err);
    if (result < 0 && out->data != NULL) {
        out->length = start;
        out->data[start] = '\0';
    }
    return result;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static int list_append(struct file_list *list, const char *name)
{
    char **names = realloc(list->names, (list->count + 1) * sizeof(*names));
    if (names == NULL) {
        return -1;
    }
    list->names = names;
    names[list->count] = strdup(name);
    if (names[list->count] == NULL) {
        return -1;
    }
    list->count += 1;
    return 0;
}

int file_list(struct file_list *out, const char *directory, struct err *err)
{
    struct file_list list = {.names = NULL, .count = 0};
    DIR *handle = opendir(directory);
    if (handle == NULL) {
        return err_set_errno(err, ERR_CONFIG, errno, "cannot open the directory %s", directory);
    }
    int failure = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(handle);
        if (entry == NULL) {
            failure = errno;
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (list_append(&list, entry->d_name) < 0) {
            failure = ENOMEM;
            break;
        }
    }
    (void) closedir(handle);
    if (failure != 0) {
        file_list_done(&list);
        return err_set_errno(err, ERR_CONFIG, failure, "cannot list the directory %s", directory);
    }
    if (list.count > 1) {
        qsort(list.names, list.count, sizeof(*list.names), compare_names);
    }
    *out = list;
    return 0;
}

void file_list_done(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->names[i]);
    }
    free(list->names);
    *list = (struct file_list){.names = NULL, .count = 0};
}
