/* The migrations on disk: names, numbers, order, checksums.
 * Not here: what is to be done with them (plan.c). */
#include <stdlib.h>
#include <string.h>

#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "migrate/internal.h"

#define BOM "\xEF\xBB\xBF"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

enum migrate_name migrate_name_parse(const char *name, int64_t *version)
{
    size_t digits = strspn(name, "0123456789");
    if (!ends_with(name, ".sql")) {
        /* A directory of a migration, or an other case of the ending. */
        const char *ending = strrchr(name, '.');
        bool miss = digits > 0 && (ending == NULL || strcasecmp(ending, ".sql") == 0);
        return miss ? MIGRATE_NAME_MISS : MIGRATE_NAME_OTHER;
    }
    if (name[0] == '.') {
        return MIGRATE_NAME_OTHER;
    }
    const char *significant = name + strspn(name, "0");
    size_t significant_digits = digits - (size_t) (significant - name);
    bool named = digits > 0 && name[digits] == '_' && name[digits + 1] != '.' && name[digits + 1] != '\0';
    if (!named || significant_digits > MIGRATE_VERSION_DIGITS) {
        return MIGRATE_NAME_MISS;
    }
    if (ends_with(name, ".down.sql")) {
        return MIGRATE_NAME_DOWN;
    }
    *version = strtoll(name, NULL, 10);
    return MIGRATE_NAME_UP;
}

int migrate_sha256(char text[static SHA256_TEXT_SIZE], const char *sql, size_t length, struct err *err)
{
    SHA256_AUTO sum = sha256_new();
    if (sum == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for a checksum");
    }
    size_t start = length >= strlen(BOM) && memcmp(sql, BOM, strlen(BOM)) == 0 ? strlen(BOM) : 0;
    while (start < length) {
        const char *end = memmem(sql + start, length - start, "\r\n", 2);
        size_t stop = end == NULL ? length : (size_t) (end - sql);
        sha256_add(sum, sql + start, stop - start);
        start = end == NULL ? length : stop + 1;
    }
    return sha256_text(sum, text) ? 0 : err_set(err, ERR_INTERNAL, "cannot compute a checksum");
}

static int load_file(struct migrate_file *file, const char *directory, struct err *err)
{
    BUFFER_AUTO path = BUFFER_EMPTY;
    buffer_append_format(&path, "%s/%s", directory, file->name);
    if (buffer_failed(&path)) {
        return err_set(err, ERR_INTERNAL, "no memory for the migrations");
    }
    int failure = file_read(&file->text, path.data, MIGRATE_FILE_BYTES_MAX, err);
    if (failure != 0) {
        return failure == -(int) ERR_CONFIG ? err_recode(err, ERR_MIGRATION) : failure;
    }
    if (file->text.length > 0 && memchr(file->text.data, '\0', file->text.length) != NULL) {
        return err_set(err, ERR_MIGRATION, "%s has a NUL byte, so it is not SQL in UTF-8", path.data);
    }
    if (file->text.length >= strlen(BOM) && memcmp(file->text.data, BOM, strlen(BOM)) == 0) {
        buffer_consume(&file->text, strlen(BOM));
    }
    return migrate_sha256(file->sha256, buffer_text(&file->text), file->text.length, err);
}

static int compare_files(const void *a, const void *b)
{
    const struct migrate_file *left = a;
    const struct migrate_file *right = b;
    if (left->version != right->version) {
        return left->version < right->version ? -1 : 1;
    }
    return strcmp(left->name, right->name);
}

static int refuse_twins(const struct migrate_files *files, const char *directory, struct err *err)
{
    for (size_t i = 1; i < files->count; i++) {
        const struct migrate_file *one = &files->items[i - 1];
        const struct migrate_file *other = &files->items[i];
        if (one->version == other->version) {
            (void) err_set(err, ERR_MIGRATION, "%s and %s in %s have the same number", one->name, other->name,
                           directory);
            err_hint(err, "give the newer of the two the next free number");
            return -(int) ERR_MIGRATION;
        }
    }
    return 0;
}

static int load_names(struct migrate_files *files, const struct file_list *list, bool quiet, struct err *err)
{
    files->items = calloc(list->count + 1, sizeof(*files->items));
    if (files->items == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the migrations");
    }
    for (size_t i = 0; i < list->count; i++) {
        struct migrate_file *file = &files->items[files->count];
        enum migrate_name kind = migrate_name_parse(list->names[i], &file->version);
        if (kind == MIGRATE_NAME_MISS && !quiet) {
            log_warn("%s is not applied, because its name is not like 0001_name.sql, continuing", list->names[i]);
        }
        if (kind != MIGRATE_NAME_UP) {
            continue;
        }
        file->name = strdup(list->names[i]);
        if (file->name == NULL) {
            return err_set(err, ERR_INTERNAL, "no memory for the migrations");
        }
        files->count += 1;
    }
    return 0;
}

static int load(struct migrate_files *files, const char *directory, bool quiet, struct err *err)
{
    struct file_list list;
    int failure = file_list(&list, directory, err);
    if (failure != 0) {
        err_hint(err, "MIGRATIONS_PATH names the directory of the migrations");
        return failure == -(int) ERR_CONFIG ? err_recode(err, ERR_MIGRATION) : failure;
    }
    failure = load_names(files, &list, quiet, err);
    file_list_done(&list);
    if (failure != 0) {
        return failure;
    }
    if (files->count == 0) {
        (void) err_set(err, ERR_MIGRATION, "the directory %s has no migration", directory);
        err_hint(err, "migrations have names like 0001_name.sql; MIGRATIONS_PATH names their directory");
        return -(int) ERR_MIGRATION;
    }
    if (files->count > MIGRATE_FILES_MAX) {
        return err_set(err, ERR_MIGRATION, "%s has more than %d migrations", directory, MIGRATE_FILES_MAX);
    }
    qsort(files->items, files->count, sizeof(*files->items), compare_files);
    failure = refuse_twins(files, directory, err);
    for (size_t i = 0; i < files->count && failure == 0; i++) {
        failure = load_file(&files->items[i], directory, err);
    }
    return failure;
}

int migrate_files_load(struct migrate_files *out, const char *directory, bool quiet, struct err *err)
{
    struct migrate_files files = {.items = NULL, .count = 0};
    int failure = load(&files, directory, quiet, err);
    if (failure != 0) {
        migrate_files_done(&files);
        return failure;
    }
    *out = files;
    return 0;
}

void migrate_files_done(struct migrate_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].name);
        buffer_done(&files->items[i].text);
    }
    free(files->items);
    *files = (struct migrate_files){.items = NULL, .count = 0};
}
