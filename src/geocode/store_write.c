/* The file of a store: replacing it, moving it aside.
 * Not here: reading it (store.c). */
#include "geocode/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "digitalism/base/file.h"

static bool write_entries(const struct store *store, FILE *file)
{
    bool fine = fputc('{', file) != EOF;
    for (size_t i = 0; i < store->count && fine; i++) {
        const struct store_entry *entry = &store->entries[i];
        fine = fputs(i == 0 ? "\n" : ",\n", file) != EOF &&
               fwrite(entry->name.text, 1, entry->name.length, file) == entry->name.length &&
               fputs(": ", file) != EOF &&
               fwrite(entry->value.text, 1, entry->value.length, file) == entry->value.length;
    }
    return fine && fputs("\n}\n", file) != EOF;
}

/* Fills the new file, and sees that it is on the disk: a rename that overtakes it would leave an empty file after a
 * power cut. The rename itself is not synced: without it the old file is there, which lacks an entry at most. */
static bool fill(const struct store *store, int fd, struct stat *out)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    FILE *file = own < 0 ? NULL : fdopen(own, "w");
    if (file == NULL) {
        file_close(&own);
        return false;
    }
    bool fine = write_entries(store, file);
    fine = fclose(file) == 0 && fine;
    return fine && fsync(fd) == 0 && fstat(fd, out) == 0;
}

int store_write(struct store *store, struct err *err)
{
    const char *path = buffer_text(&store->path);
    BUFFER_AUTO temporary = BUFFER_EMPTY;
    struct stat old;
    struct stat written = {.st_ino = 0};
    buffer_append_format(&temporary, "%s.tmp", path);
    if (buffer_failed(&temporary)) {
        return err_set(err, ERR_INTERNAL, "no memory for a path");
    }
    FILE_FD_AUTO fd = open(buffer_text(&temporary), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        return err_set_errno(err, ERR_CONFIG, errno, "cannot create %s", buffer_text(&temporary));
    }
    if (stat(path, &old) == 0) {
        (void) !fchown(fd, old.st_uid, old.st_gid); /* root's privilege; else it is ours, as the mode allows */
        (void) fchmod(fd, old.st_mode & 07777);
    }
    if (!fill(store, fd, &written) || rename(buffer_text(&temporary), path) != 0) {
        int reason = errno;
        (void) unlink(buffer_text(&temporary));
        (void) err_set_errno(err, ERR_CONFIG, reason, "cannot write %s", path);
        if (reason == EBUSY) {
            err_hint(err, "a file that is mounted by itself cannot be replaced: mount its directory");
        }
        return -(int) ERR_CONFIG;
    }
    store->seen = written;
    for (size_t i = 0; i < store->count; i++) {
        store->entries[i].is_unsaved = false;
    }
    return 0;
}

int store_move_aside(struct store *store, struct buffer *moved, struct err *err)
{
    char stamp[sizeof("20261122T090000Z")];
    struct tm utc;
    time_t now = time(NULL);
    (void) gmtime_r(&now, &utc);
    (void) strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
    buffer_append_format(moved, "%s.corrupt-%s", buffer_text(&store->path), stamp);
    if (buffer_failed(moved) || rename(buffer_text(&store->path), buffer_text(moved)) != 0) {
        return err_set_errno(err, ERR_CONFIG, errno, "cannot move %s aside", buffer_text(&store->path));
    }
    return 0;
}
