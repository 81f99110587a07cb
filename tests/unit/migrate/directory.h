/* A temporary directory of a test's own, and files in it: fixtures for cmocka.
 * Not here: what the tests look for in it. */
#ifndef DIGITALISM_TEST_DIRECTORY_H
#define DIGITALISM_TEST_DIRECTORY_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 512

static int directory_set_up(void **state)
{
    char *directory = strdup("/tmp/digitalism-unit-XXXXXX");
    *state = directory;
    return directory != NULL && mkdtemp(directory) != NULL ? 0 : -1;
}

static int directory_tear_down(void **state)
{
    char command[PATH_SIZE];
    (void) snprintf(command, sizeof(command), "rm -rf '%s'", (char *) *state);
    free(*state);
    return system(command);
}

/* Writes a file, which may stand in a directory one level down ("9_x/up.sql"), with its bytes. */
static bool directory_write_bytes(const char *directory, const char *name, const char *text, size_t length)
{
    char path[PATH_SIZE];
    const char *slash = strrchr(name, '/');
    if (slash != NULL) {
        (void) snprintf(path, sizeof(path), "%s/%.*s", directory, (int) (slash - name), name);
        (void) mkdir(path, 0755); /* where it is there already, all is well */
    }
    (void) snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    bool written = file != NULL && fwrite(text, 1, length, file) == length;
    return (file == NULL || fclose(file) == 0) && written;
}

static void directory_write(const char *directory, const char *name, const char *text)
{
    assert_true(directory_write_bytes(directory, name, text, strlen(text)));
}

#endif
