/* Hashing files, and what else decides a load.
 * Not here: reading them as CSV (source.c). */
#include "etl/fingerprint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digitalism/base/file.h"
#include "digitalism/base/sha256.h"
#include "digitalism/base/stop.h"

/* To be raised when the rules of a row change: a load that was begun under other rules is not gone on with. */
#define RULES       "2"
#define CHUNK_BYTES ((size_t) 256 * 1024)

static int hash_file(struct ledger_file *file, const char *path, int stop_fd, struct err *err)
{
    SHA256_AUTO sum = sha256_new();
    FILE_FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return err_set_errno(err, ERR_ETL, errno, "cannot read %s", path);
    }
    char *chunk = malloc(CHUNK_BYTES);
    if (chunk == NULL || sum == NULL) {
        free(chunk);
        return err_set(err, ERR_INTERNAL, "no memory to read %s", path);
    }
    *file = (struct ledger_file){.path = path};
    int failure = 0;
    ssize_t got = 1;
    while (failure == 0 && got != 0) {
        got = read(fd, chunk, CHUNK_BYTES);
        if (got > 0) {
            sha256_add(sum, chunk, (size_t) got);
            file->bytes += (uint64_t) got;
        } else if (got < 0 && errno != EINTR) {
            failure = err_set_errno(err, ERR_ETL, errno, "cannot read %s", path);
        }
        if (failure == 0 && stop_requested(stop_fd)) {
            failure = err_set(err, ERR_INTERRUPTED, "stopped by request before anything was loaded");
        }
    }
    free(chunk);
    if (failure == 0 && !sha256_text(sum, file->sha256)) {
        failure = err_set(err, ERR_INTERNAL, "cannot hash %s", path);
    }
    return failure;
}

static void *hash_files(void *argument)
{
    struct fingerprint_reading *reading = argument;
    for (size_t i = 0; i < reading->count && reading->failure == 0; i++) {
        reading->failure = hash_file(&reading->files[i], reading->paths[i], reading->stop_fd, &reading->err);
    }
    return NULL;
}

void fingerprint_start(struct fingerprint_reading *reading, struct ledger_file *files, char *const *paths, size_t count,
                       int stop_fd)
{
    *reading = (struct fingerprint_reading){.files = files, .paths = paths, .count = count, .stop_fd = stop_fd};
    reading->is_running = pthread_create(&reading->thread, NULL, hash_files, reading) == 0;
    if (!reading->is_running) {
        (void) hash_files(reading);
    }
}

int fingerprint_wait(struct fingerprint_reading *reading, struct err *err)
{
    if (reading->is_running) {
        (void) pthread_join(reading->thread, NULL);
        reading->is_running = false;
    }
    if (reading->failure != 0) {
        *err = reading->err;
    }
    return reading->failure;
}

static void add_line(struct sha256 *sum, const char *text)
{
    sha256_add(sum, text, strlen(text));
    sha256_add(sum, "\n", 1);
}

int fingerprint_all(struct ledger_file *files, size_t count, const struct etl_options *options,
                    const struct departments *departments, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        SHA256_AUTO sum = sha256_new();
        if (sum == NULL) {
            return err_set(err, ERR_INTERNAL, "no memory for a hash");
        }
        add_line(sum, RULES);
        add_line(sum, etl_mode_names[options->mode]);
        add_line(sum, options->format.encoding == ETL_ENCODING_CP1252 ? "cp1252" : "utf-8");
        add_line(sum, options->format.columns == NULL ? "" : options->format.columns);
        for (size_t j = 0; j < departments->count; j++) {
            char line[COMMUNE_DEPARTMENT_CODE_SIZE + 16];
            (void) snprintf(line, sizeof(line), "%s=%d", departments->list[j].code, (int) departments->list[j].id);
            add_line(sum, line);
        }
        size_t end = options->mode == ETL_MODE_REPLACE ? count : i + 1;
        for (size_t j = i; j < end; j++) {
            add_line(sum, files[j].sha256);
        }
        if (!sha256_text(sum, files[i].fingerprint)) {
            return err_set(err, ERR_INTERNAL, "cannot hash what decides the load of %s", files[i].path);
        }
    }
    return 0;
}
