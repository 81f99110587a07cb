/* The next number, and files in the style of those that are there.
 * Not here: reading them (files.c). */
#include "digitalism/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "digitalism/base/file.h"
#include "migrate/files.h"
#include "migrate/name.h"

#define TITLE_BYTES_MAX  100
#define TIMESTAMP_DIGITS 14 /* 20240131120000 */
#define NUMBER_DIGITS    4  /* 0001, where there is no example */

#define GOOSE_SECTIONS  "-- +goose Up\n\n-- +goose Down\n"
#define DBMATE_SECTIONS "-- migrate:up\n\n-- migrate:down\n"

/* What the directory's last migration looks like. */
struct style {
    char number[MIGRATE_VERSION_SIZE]; /* as it is written, zeros and dashes included; "" where there is none */
    bool is_directory;
    bool explicit_direction; /* .up.sql and .down.sql */
    bool has_down;
    bool is_flyway;       /* V1__x.sql */
    const char *sections; /* the text of a file that holds both directions; NULL: one direction a file */
};

static bool is_title(const char *title)
{
    size_t length = strspn(title, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return length > 0 && title[length] == '\0' && length <= TITLE_BYTES_MAX;
}

static int find_style(struct style *out, const char *directory, struct err *err)
{
    struct stat found;
    struct style style = {.number = ""};
    MIGRATE_FILES_AUTO files = {.items = NULL, .count = 0};
    if (stat(directory, &found) != 0 || !S_ISDIR(found.st_mode)) {
        (void) err_set(err, ERR_MIGRATION, "%s is not a directory", directory);
        err_hint(err, "MIGRATIONS_PATH names the directory of the migrations");
        return -(int) ERR_MIGRATION;
    }
    struct err told;
    int failure = migrate_files_load(&files, directory, false, true, &told);
    if (failure != 0 && strstr(told.message, "has no migration") == NULL) {
        if (err != NULL) {
            *err = told;
        }
        return failure;
    }
    for (size_t i = 0; i < files.count && !migrate_file_repeatable(&files.items[i]); i++) {
        const struct migrate_file *file = &files.items[i];
        style.is_flyway = file->name[0] == 'V';
        const char *number = file->name + (style.is_flyway ? 1 : 0);
        size_t length = strspn(number, "0123456789-");
        bool is_one_file = file->down.part.exists && strcmp(file->up.path, file->down.path) == 0;
        bool is_goose = strstr(buffer_text(&file->up.text), "+goose") != NULL;
        style.sections = !is_one_file ? NULL : is_goose ? GOOSE_SECTIONS : DBMATE_SECTIONS;
        style.is_directory = strchr(file->up.path, '/') != NULL;
        style.explicit_direction = !style.is_directory && migrate_name_of_file(file->name).explicit_direction;
        style.has_down = file->down.part.exists;
        (void) snprintf(style.number, sizeof(style.number), "%.*s", (int) length, number);
    }
    *out = style;
    return 0;
}

/* The number behind the last one, as wide; a moment of time where those are. */
static int next_number(char out[static MIGRATE_VERSION_SIZE], const struct style *style, struct err *err)
{
    struct migrate_version before;
    struct migrate_version after;
    size_t digits = strspn(style->number, "0123456789");
    if (style->number[0] != '\0' && (style->number[digits] == '-' || digits >= TIMESTAMP_DIGITS)) {
        time_t now = time(NULL);
        struct tm moment;
        (void) gmtime_r(&now, &moment);
        bool dashes = style->number[digits] == '-';
        size_t length = strftime(out, MIGRATE_VERSION_SIZE, dashes ? "%Y-%m-%d-%H%M%S" : "%Y%m%d%H%M%S", &moment);
        for (; !dashes && length < digits && length + 1 < MIGRATE_VERSION_SIZE; length++) {
            out[length] = '0'; /* ory writes parts of a second too */
            out[length + 1] = '\0';
        }
    } else {
        unsigned long long last = strtoull(style->number, NULL, 10);
        int width = digits == 0 ? NUMBER_DIGITS : (int) digits;
        (void) snprintf(out, MIGRATE_VERSION_SIZE, "%0*llu", width, last + 1);
    }
    bool rises = style->number[0] == '\0' ||
                 (migrate_version_parse(&before, style->number) && migrate_version_parse(&after, out) &&
                  migrate_version_compare(&before, &after) < 0);
    return rises ? 0 : err_set(err, ERR_MIGRATION, "there is no number behind %s", style->number);
}

static int create_file(const char *path, const char *text, struct buffer *report, struct err *err)
{
    FILE_FD_AUTO fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t) strlen(text)) {
        return err_set_errno(err, ERR_MIGRATION, errno, "cannot create %s", path);
    }
    buffer_append_format(report, "%s\n", path);
    return 0;
}

static int create_pair(const char *stem, const struct style *style, struct buffer *report, struct err *err)
{
    const char *up = style->is_directory ? "/up.sql" : style->explicit_direction ? ".up.sql" : ".sql";
    const char *down = style->is_directory ? "/down.sql" : ".down.sql";
    const char *text = style->sections != NULL ? style->sections : "-- What changes, in one transaction.\n";
    BUFFER_AUTO path = BUFFER_EMPTY;
    buffer_append_format(&path, "%s%s", stem, up);
    int failure = create_file(buffer_text(&path), text, report, err);
    if (failure == 0 && style->has_down && style->sections == NULL) {
        buffer_clear(&path);
        buffer_append_format(&path, "%s%s", stem, down);
        failure = create_file(buffer_text(&path), "-- What undoes it.\n", report, err);
    }
    return failure;
}

int migrate_create_files(const char *directory, const char *title, struct buffer *report, struct err *err)
{
    struct style style;
    char number[MIGRATE_VERSION_SIZE];
    if (!is_title(title)) {
        return err_set(err, ERR_CONFIG, "\"%s\" will not do as a name: letters, digits, _ and -, at most %d of them",
                       title, TITLE_BYTES_MAX);
    }
    int failure = find_style(&style, directory, err);
    failure = failure == 0 ? next_number(number, &style, err) : failure;
    if (failure != 0) {
        return failure;
    }
    BUFFER_AUTO stem = BUFFER_EMPTY;
    buffer_append_format(&stem, "%s/%s%s%s%s", directory, style.is_flyway ? "V" : "", number,
                         style.is_flyway ? "__" : "_", title);
    if (style.is_directory && mkdir(buffer_text(&stem), 0777) != 0) {
        return err_set_errno(err, ERR_MIGRATION, errno, "cannot create %s", buffer_text(&stem));
    }
    return create_pair(buffer_text(&stem), &style, report, err);
}
