/* Listing a directory, pairing what applies with what undoes, reading texts.
 * Not here: names (name.c), sections (sections.c). */
#include "migrate/files.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "digitalism/base/file.h"
#include "digitalism/base/log.h"
#include "migrate/locate.h"
#include "migrate/name.h"

#define BOM                "\xEF\xBB\xBF"
#define METADATA_BYTES_MAX ((size_t) 64 * 1024)

/* One entry of the directory that is a migration's, before it is known which belong together. */
struct candidate {
    struct migrate_name name;
    const char *entry; /* borrowed of the listing */
    bool is_directory;
};

struct loading {
    const char *directory;
    bool strict;
    bool quiet;
    struct candidate *candidates;
    size_t count;
};

bool migrate_file_repeatable(const struct migrate_file *file)
{
    return file->version.text[0] == '\0';
}

/* --- texts --- */

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

int migrate_files_place(struct err *err, const struct migrate_source *source, size_t offset)
{
    struct migrate_place place;
    migrate_locate(&place, buffer_text(&source->text), source->text.length, offset);
    return err_prefix(err, "%s:%zu:%zu", source->path, place.line, place.column);
}

static int read_text(struct buffer *out, const char *directory, const char *path, size_t bytes_max, struct err *err)
{
    BUFFER_AUTO whole = BUFFER_EMPTY;
    buffer_append_format(&whole, "%s/%s", directory, path);
    if (buffer_failed(&whole)) {
        return err_set(err, ERR_INTERNAL, "no memory for the migrations");
    }
    int failure = file_read(out, whole.data, bytes_max, err);
    if (failure != 0) {
        return failure == -(int) ERR_CONFIG ? err_recode(err, ERR_MIGRATION) : failure;
    }
    if (out->length > 0 && memchr(out->data, '\0', out->length) != NULL) {
        return err_set(err, ERR_MIGRATION, "%s has a NUL byte, so it is not SQL in UTF-8", whole.data);
    }
    if (out->length >= strlen(BOM) && memcmp(out->data, BOM, strlen(BOM)) == 0) {
        buffer_consume(out, strlen(BOM));
    }
    return 0;
}

static int load_source(struct migrate_source *out, const struct loading *loading, char *path, struct err *err)
{
    if (path == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the migrations");
    }
    out->path = path;
    return read_text(&out->text, loading->directory, path, MIGRATE_FILE_BYTES_MAX, err);
}

static char *join(const char *directory, const char *name)
{
    BUFFER_AUTO path = BUFFER_EMPTY;
    buffer_append_format(&path, "%s/%s", directory, name);
    return buffer_failed(&path) ? NULL : strdup(path.data);
}

/* --- one migration --- */

/* Diesel's metadata.toml: `run_in_transaction = false`. */
static bool metadata_forbids_transaction(const struct loading *loading, const char *entry)
{
    BUFFER_AUTO text = BUFFER_EMPTY;
    char *path = join(entry, "metadata.toml");
    bool forbids = false;
    if (path != NULL && read_text(&text, loading->directory, path, METADATA_BYTES_MAX, NULL) == 0) {
        char *rest = text.data;
        for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
            static const char key[] = "run_in_transaction";
            line += strspn(line, " \t");
            const char *value = line + strlen(key);
            if (strncmp(line, key, strlen(key)) == 0 && value[0] != '\0') {
                forbids = strncmp(value + strspn(value, " \t="), "false", strlen("false")) == 0;
            }
        }
    }
    free(path);
    return forbids;
}

static int load_directory(struct migrate_file *file, const struct loading *loading, const char *entry, struct err *err)
{
    int failure = load_source(&file->up, loading, join(entry, "up.sql"), err);
    if (failure != 0) {
        return failure;
    }
    file->up.part = migrate_sections_whole(buffer_text(&file->up.text), file->up.text.length);
    struct stat found;
    BUFFER_AUTO down = BUFFER_EMPTY;
    buffer_append_format(&down, "%s/%s/down.sql", loading->directory, entry);
    if (stat(buffer_text(&down), &found) == 0) {
        failure = load_source(&file->down, loading, join(entry, "down.sql"), err);
        file->down.part = migrate_sections_whole(buffer_text(&file->down.text), file->down.text.length);
    }
    if (metadata_forbids_transaction(loading, entry)) {
        file->up.part.no_transaction = true;
        file->down.part.no_transaction = true;
    }
    return failure;
}

/* A file may hold both directions, also one that names the first of them. */
static int split_sections(struct migrate_file *file, struct err *err)
{
    assert(file->up.path != NULL);
    const char *text = buffer_text(&file->up.text);
    struct migrate_sections sections;
    size_t offset = 0;
    int failure = migrate_sections_find(&sections, text, file->up.text.length, &offset, err);
    if (failure != 0) {
        return failure == -(int) ERR_MIGRATION ? migrate_files_place(err, &file->up, offset) : failure;
    }
    file->up.part = sections.up;
    if (sections.down.exists) {
        file->down.path = strdup(file->up.path);
        buffer_append(&file->down.text, text, file->up.text.length);
        if (file->down.path == NULL || buffer_failed(&file->down.text)) {
            return err_set(err, ERR_INTERNAL, "no memory for the migrations");
        }
        file->down.part = sections.down;
    }
    return 0;
}

static int load_up(struct migrate_file *file, const struct loading *loading, const struct candidate *candidate,
                   struct err *err)
{
    file->version = candidate->name.version;
    file->name = strdup(candidate->entry);
    if (file->name == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the migrations");
    }
    int failure = 0;
    if (candidate->is_directory) {
        failure = load_directory(file, loading, candidate->entry, err);
    } else {
        failure = load_source(&file->up, loading, strdup(candidate->entry), err);
        failure = failure == 0 ? split_sections(file, err) : failure;
    }
    file->up.part.no_transaction |= candidate->name.no_transaction;
    file->down.part.no_transaction |= candidate->name.no_transaction;
    return failure != 0 ? failure
                        : migrate_sha256(file->sha256, buffer_text(&file->up.text), file->up.text.length, err);
}

/* A file of its own that undoes goes before a section that does. */
static int load_down(struct migrate_file *file, const struct loading *loading, const struct candidate *candidate,
                     struct err *err)
{
    free(file->down.path);
    buffer_clear(&file->down.text);
    file->down.path = NULL;
    int failure = load_source(&file->down, loading, strdup(candidate->entry), err);
    file->down.part = migrate_sections_whole(buffer_text(&file->down.text), file->down.text.length);
    file->down.part.no_transaction |= candidate->name.no_transaction;
    return failure;
}

/* --- the directory --- */

static int miss(const struct loading *loading, const char *entry, const char *reason, struct err *err)
{
    if (loading->strict) {
        (void) err_set(err, ERR_MIGRATION, "%s/%s would not be applied: %s", loading->directory, entry, reason);
        err_hint(err, "rename it, or move it out of the directory");
        return -(int) ERR_MIGRATION;
    }
    if (!loading->quiet) {
        log_warn("%s is not applied: %s, continuing", entry, reason);
    }
    return 0;
}

static bool is_directory(const char *directory, const char *entry)
{
    struct stat found;
    BUFFER_AUTO path = BUFFER_EMPTY;
    buffer_append_format(&path, "%s/%s", directory, entry);
    return stat(buffer_text(&path), &found) == 0 && S_ISDIR(found.st_mode);
}

static bool has_up(const char *directory, const char *entry)
{
    struct stat found;
    BUFFER_AUTO path = BUFFER_EMPTY;
    buffer_append_format(&path, "%s/%s/up.sql", directory, entry);
    return stat(buffer_text(&path), &found) == 0;
}

static int take_entry(struct loading *loading, const char *entry, struct err *err)
{
    struct candidate candidate = {.entry = entry, .is_directory = is_directory(loading->directory, entry)};
    candidate.name = candidate.is_directory ? migrate_name_of_directory(entry) : migrate_name_of_file(entry);
    switch (candidate.name.kind) {
    case MIGRATE_NAME_MISS:
        return miss(loading, entry,
                    candidate.is_directory ? "a directory of a migration is named like 2024-01-31-120000_name"
                                           : "its name is not like 0001_name.sql",
                    err);
    case MIGRATE_NAME_FOREIGN:
        log_debug("%s is for another dialect than PostgreSQL's", entry);
        return 0;
    case MIGRATE_NAME_UP:
    case MIGRATE_NAME_DOWN:
        if (candidate.is_directory && !has_up(loading->directory, entry)) {
            return miss(loading, entry, "the directory has no up.sql", err);
        }
        loading->candidates[loading->count++] = candidate;
        return 0;
    case MIGRATE_NAME_OTHER:
    case MIGRATE_NAME_KIND_COUNT:
        break;
    }
    return 0;
}

/* By version, repeatable ones last; of one version what applies first, and what is for PostgreSQL before the rest. */
static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;
    bool left_repeatable = left->name.version.text[0] == '\0';
    bool right_repeatable = right->name.version.text[0] == '\0';
    int order = left_repeatable - right_repeatable;
    order = order != 0 ? order : migrate_version_compare(&left->name.version, &right->name.version);
    order = order != 0 ? order : (int) left->name.kind - (int) right->name.kind;
    order = order != 0 || left_repeatable ? order : right->name.specific - left->name.specific;
    return order != 0 ? order : strcmp(left->entry, right->entry);
}

static bool same_version(const struct candidate *a, const struct candidate *b)
{
    return a->name.version.text[0] != '\0' && strcmp(a->name.version.text, b->name.version.text) == 0;
}

/* Whether the first is for PostgreSQL what the other one is for all dialects. */
static bool replaces(const struct candidate *specific, const struct candidate *other)
{
    return specific->name.specific && !other->name.specific && specific->name.stem == other->name.stem &&
           strncmp(specific->entry, other->entry, specific->name.stem) == 0;
}

static int refuse_twins(const struct loading *loading, const struct candidate *one, const struct candidate *other,
                        struct err *err)
{
    (void) err_set(err, ERR_MIGRATION, "%s and %s in %s have the same number", one->entry, other->entry,
                   loading->directory);
    err_hint(err, "give the newer of the two the next free number");
    return -(int) ERR_MIGRATION;
}

/* Loads what the candidates from `index` on have of one version; returns the index behind them. */
static int load_version(struct migrate_files *files, const struct loading *loading, size_t *index, struct err *err)
{
    const struct candidate *first = &loading->candidates[*index];
    const struct candidate *kinds[MIGRATE_NAME_KIND_COUNT] = {NULL};
    size_t next = *index;
    do {
        const struct candidate *candidate = &loading->candidates[next++];
        const struct candidate **kept = &kinds[candidate->name.kind];
        if (*kept != NULL && !replaces(*kept, candidate)) {
            return refuse_twins(loading, *kept, candidate, err);
        }
        *kept = *kept == NULL ? candidate : *kept;
    } while (next < loading->count && same_version(first, &loading->candidates[next]));
    *index = next;
    if (kinds[MIGRATE_NAME_UP] == NULL) {
        return miss(loading, first->entry, "there is nothing that it undoes", err);
    }
    struct migrate_file *file = &files->items[files->count++];
    int failure = load_up(file, loading, kinds[MIGRATE_NAME_UP], err);
    if (failure == 0 && kinds[MIGRATE_NAME_DOWN] != NULL) {
        failure = load_down(file, loading, kinds[MIGRATE_NAME_DOWN], err);
    }
    return failure;
}

static int load_entries(struct migrate_files *files, struct loading *loading, const struct file_list *list,
                        struct err *err)
{
    int failure = 0;
    for (size_t i = 0; i < list->count && failure == 0; i++) {
        failure = take_entry(loading, list->names[i], err);
    }
    if (failure != 0) {
        return failure;
    }
    if (loading->count == 0) {
        (void) err_set(err, ERR_MIGRATION, "the directory %s has no migration", loading->directory);
        err_hint(err, "migrations have names like 0001_name.sql; MIGRATIONS_PATH names their directory");
        return -(int) ERR_MIGRATION;
    }
    if (loading->count > MIGRATE_FILES_MAX) {
        return err_set(err, ERR_MIGRATION, "%s has more than %d migrations", loading->directory, MIGRATE_FILES_MAX);
    }
    qsort(loading->candidates, loading->count, sizeof(*loading->candidates), compare_candidates);
    for (size_t i = 0; i < loading->count && failure == 0;) {
        failure = load_version(files, loading, &i, err);
    }
    return failure;
}

int migrate_files_load(struct migrate_files *out, const char *directory, bool strict, bool quiet, struct err *err)
{
    struct file_list list;
    int failure = file_list(&list, directory, err);
    if (failure != 0) {
        err_hint(err, "MIGRATIONS_PATH names the directory of the migrations");
        return failure == -(int) ERR_CONFIG ? err_recode(err, ERR_MIGRATION) : failure;
    }
    struct loading loading = {.directory = directory,
                              .strict = strict,
                              .quiet = quiet,
                              .candidates = calloc(list.count + 1, sizeof(*loading.candidates))};
    struct migrate_files files = {.items = calloc(list.count + 1, sizeof(*files.items)), .count = 0};
    if (loading.candidates == NULL || files.items == NULL) {
        failure = err_set(err, ERR_INTERNAL, "no memory for the migrations");
    } else {
        failure = load_entries(&files, &loading, &list, err);
    }
    free(loading.candidates);
    file_list_done(&list);
    if (failure != 0) {
        migrate_files_done(&files);
        return failure;
    }
    *out = files;
    return 0;
}

static void source_done(struct migrate_source *source)
{
    free(source->path);
    buffer_done(&source->text);
}

void migrate_files_done(struct migrate_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].name);
        source_done(&files->items[i].up);
        source_done(&files->items[i].down);
    }
    free(files->items);
    *files = (struct migrate_files){.items = NULL, .count = 0};
}
