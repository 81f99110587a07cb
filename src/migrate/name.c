/* File names of migrations.
 * Not here: opening files (files.c). */
#include "migrate/name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DIESEL_ZEROS 14 /* of 00000000000000_diesel_initial_setup */

static const char *const own_dialects[] = {"postgres", "postgresql", "pg"};
static const char *const foreign_dialects[] = {"mysql",       "mariadb",   "sqlite", "sqlite3",   "cockroach",
                                               "cockroachdb", "crdb",      "mssql",  "oracle",    "clickhouse",
                                               "spanner",     "redshift",  "tidb",   "snowflake", "duckdb",
                                               "vertica",     "sqlserver", "ydb",    "turso"};

/* The words between the dots behind a file's title. */
struct word {
    const char *text;
    size_t length;
};

static bool word_is(const struct word *word, const char *text)
{
    return word->length == strlen(text) && strncasecmp(word->text, text, word->length) == 0;
}

static bool word_is_one_of(const struct word *word, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (word_is(word, texts[i])) {
            return true;
        }
    }
    return false;
}

/* Takes what one word says. False where it is a part of the title. */
static bool take_word(struct migrate_name *name, const struct word *word)
{
    bool is_up = word_is(word, "up");
    bool is_down = word_is(word, "down");
    if ((is_up || is_down) && !name->explicit_direction) {
        name->explicit_direction = true;
        name->kind = name->kind == MIGRATE_NAME_UP && is_down ? MIGRATE_NAME_DOWN : name->kind;
    } else if (word_is(word, "autocommit")) {
        name->no_transaction = true;
    } else if (word_is_one_of(word, own_dialects, sizeof(own_dialects) / sizeof(own_dialects[0]))) {
        name->specific = true;
    } else if (word_is_one_of(word, foreign_dialects, sizeof(foreign_dialects) / sizeof(foreign_dialects[0]))) {
        name->kind = MIGRATE_NAME_FOREIGN;
    } else {
        return false;
    }
    return true;
}

/* Takes the known words off the end of a title that ends at `end`. Returns where the title ends then. */
static const char *take_words(struct migrate_name *name, const char *title, const char *end)
{
    for (;;) {
        const char *dot = memrchr(title, '.', (size_t) (end - title));
        if (dot == NULL) {
            return end;
        }
        const struct word word = {.text = dot + 1, .length = (size_t) (end - dot) - 1};
        if (!take_word(name, &word)) {
            return end;
        }
        end = dot;
    }
}

/* "V1.2__x", "R__x": the title behind the two underscores, or NULL. */
static const char *flyway_title(struct migrate_name *out, const char *name)
{
    if (name[0] == 'R' && strncmp(name + 1, "__", 2) == 0) {
        return name + 3;
    }
    if (name[0] != 'V') {
        return NULL;
    }
    size_t read = migrate_version_read(&out->version, name + 1, true);
    return read > 0 && strncmp(name + 1 + read, "__", 2) == 0 ? name + 1 + read + 2 : NULL;
}

static const char *plain_title(struct migrate_name *out, const char *name)
{
    size_t read = migrate_version_read(&out->version, name, false);
    return read > 0 && name[read] == '_' ? name + read + 1 : NULL;
}

static bool begins_like_one(const char *name)
{
    bool flyway = (name[0] == 'V' || name[0] == 'v') && name[1] >= '0' && name[1] <= '9';
    bool repeatable = (name[0] == 'R' || name[0] == 'r') && name[1] == '_';
    return (name[0] >= '0' && name[0] <= '9') || flyway || repeatable;
}

/* A migration that is not SQL, which other tools would run: 00002_x.go, 2024_x.fizz. */
static bool is_program(const char *name)
{
    static const char *const endings[] = {".go", ".fizz", ".py", ".js", ".ts", ".rb", ".php", ".java", ".sh"};
    const char *dot = strrchr(name, '.');
    struct migrate_name unused;
    for (size_t i = 0; dot != NULL && i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (strcmp(dot, endings[i]) == 0) {
            return plain_title(&unused, name) != NULL || flyway_title(&unused, name) != NULL;
        }
    }
    return false;
}

struct migrate_name migrate_name_of_file(const char *name)
{
    struct migrate_name out = {.kind = MIGRATE_NAME_UP};
    size_t length = strlen(name);
    const char *ending = length >= 4 ? name + length - 4 : name;
    if (name[0] == '.') {
        return (struct migrate_name){.kind = MIGRATE_NAME_OTHER};
    }
    if (strcmp(ending, ".sql") != 0) {
        /* In other letters the ending is not seen by other tools either. */
        bool miss = begins_like_one(name) && (strcasecmp(ending, ".sql") == 0 || is_program(name));
        return (struct migrate_name){.kind = miss ? MIGRATE_NAME_MISS : MIGRATE_NAME_OTHER};
    }
    const char *title = flyway_title(&out, name);
    title = title != NULL ? title : plain_title(&out, name);
    const char *end = title == NULL ? NULL : take_words(&out, title, ending);
    if (end == title) {
        return (struct migrate_name){.kind = MIGRATE_NAME_MISS};
    }
    out.stem = (size_t) (end - name);
    return out;
}

/* Diesel compares numbers as text, and directories rely on it in two ways: more zeros come behind its own first number,
 * which is fourteen of them; and a moment may have a counter behind it (2024-01-31-120000-0000), or not. */
static void refine_diesel(struct migrate_version *version, const char *name)
{
    static const char moment[] = "NNNN-NN-NN-NNNNNN-NNNN_";
    size_t zeros = strspn(name, "0");
    if (name[zeros] == '_' && zeros > DIESEL_ZEROS && zeros - DIESEL_ZEROS < 10) {
        (void) snprintf(version->text, sizeof(version->text), "0.%zu", zeros - DIESEL_ZEROS);
    }
    for (size_t i = 0; moment[i] != '\0'; i++) {
        bool is_digit = name[i] >= '0' && name[i] <= '9';
        if (moment[i] == 'N' ? !is_digit : name[i] != moment[i]) {
            return;
        }
    }
    char dotted[sizeof(moment)];
    (void) snprintf(dotted, sizeof(dotted), "%.17s.%.4s", name, name + 18);
    (void) migrate_version_read(version, dotted, true);
}

struct migrate_name migrate_name_of_directory(const char *name)
{
    struct migrate_name out = {.kind = MIGRATE_NAME_UP, .explicit_direction = true};
    const char *title = plain_title(&out, name);
    if (title == NULL || *title == '\0') {
        bool miss = name[0] >= '0' && name[0] <= '9';
        return (struct migrate_name){.kind = miss ? MIGRATE_NAME_MISS : MIGRATE_NAME_OTHER};
    }
    refine_diesel(&out.version, name);
    return out;
}
