/* Small helpers around files and descriptors. Not here: streaming readers (each module has its own). */
#ifndef DIGITALISM_BASE_FILE_H
#define DIGITALISM_BASE_FILE_H

#include <stddef.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"

/* Appends the whole file to `out`. -ERR_CONFIG when it cannot be read or has more than `bytes_max`; the message names
 * the path and the reason. */
int file_read(struct buffer *out, const char *path, size_t bytes_max, struct err *err);

/* Closes and forgets; does nothing for a negative descriptor. For use as a cleanup attribute too. */
void file_close(int *fd);
#define FILE_FD_AUTO __attribute__((cleanup(file_close))) int

/* Gives each of the descriptors 0 to 2 that the parent left closed something that refuses to be used, so that no socket
 * gets such a number and is then taken for standard output. Called first of all. */
int file_fill_standard(struct err *err);

/* A sorted list of the names in a directory, without "." and "..". Release with file_list_done(). */
struct file_list {
    char **names;
    size_t count;
};
int file_list(struct file_list *out, const char *directory, struct err *err);
void file_list_done(struct file_list *list);

#endif
