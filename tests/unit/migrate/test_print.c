/* Goal: status is shown as prints/NAME.txt and prints/NAME.json say for prints/NAME.case; a new case is three files.
 * Not here: how states come about (test_plan.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/base/file.h"
#include "migrate/print.h"

#define FOLDER TEST_SOURCE_DIR "/tests/unit/migrate/prints/"

#define ENTRIES_MAX 16

/* A case: each line an entry, of eleven words. `-` is an empty one; without a checksum there is no file, and without a
 * kind no row. `#` begins a comment. */
enum word {
    WORD_STATE,
    WORD_VERSION,
    WORD_FILE,
    WORD_SHA256,
    WORD_ROW,
    WORD_APPLIED_SHA256,
    WORD_KIND,
    WORD_APPLIED_AT,
    WORD_APPLIED_BY,
    WORD_DURATION,
    WORD_BINARY,
    WORD_COUNT
};

struct drawing {
    struct migrate_entry entries[ENTRIES_MAX];
    struct migrate_file files[ENTRIES_MAX];
    struct migrate_row rows[ENTRIES_MAX];
    struct migrate_comparison comparison;
};

static struct buffer read_file(const char *name, const char *ending)
{
    char path[512];
    struct buffer text = BUFFER_EMPTY;
    struct err err;
    (void) snprintf(path, sizeof(path), FOLDER "%.64s%s", name, ending);
    if (file_read(&text, path, 65536, &err) < 0) {
        fail_msg("%s", err.message);
    }
    return text;
}

static int find(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    fail_msg("there is no \"%s\"", name);
    return -1;
}

static void draw_entry(struct drawing *out, char *words[WORD_COUNT])
{
    struct migrate_entry *entry = &out->entries[out->comparison.count];
    struct migrate_file *file = &out->files[out->comparison.count];
    struct migrate_row *row = &out->rows[out->comparison.count];
    struct migrate_version version = {.text = ""};
    if (words[WORD_VERSION][0] != '-') {
        (void) snprintf(version.text, sizeof(version.text), "%s", words[WORD_VERSION]);
    }
    entry->state = (enum migrate_state) find(migrate_state_names, MIGRATE_STATE_COUNT, words[WORD_STATE]);
    if (words[WORD_SHA256][0] != '-') {
        *file = (struct migrate_file){.name = words[WORD_FILE], .version = version};
        (void) snprintf(file->sha256, sizeof(file->sha256), "%s", words[WORD_SHA256]);
        entry->file = file;
    }
    if (words[WORD_KIND][0] != '-') {
        int kind = find(migrate_row_kind_names, MIGRATE_ROW_KIND_COUNT, words[WORD_KIND]);
        *row = (struct migrate_row){.kind = (enum migrate_row_kind) kind,
                                    .version = version,
                                    .name = words[WORD_ROW],
                                    .applied_at = words[WORD_APPLIED_AT],
                                    .applied_by = words[WORD_APPLIED_BY],
                                    .duration_ms = strtoll(words[WORD_DURATION], NULL, 10),
                                    .binary_version = words[WORD_BINARY]};
        (void) snprintf(row->sha256, sizeof(row->sha256), "%s", words[WORD_APPLIED_SHA256]);
        entry->row = row;
    }
    out->comparison.count += 1;
}

/* The words stay in the text, which is changed. */
static void draw(struct drawing *out, char *text)
{
    char *rest = text;
    memset(out, 0, sizeof(*out));
    out->comparison.entries = out->entries;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        char *words[WORD_COUNT];
        char *place = NULL;
        size_t count = 0;
        char *word = line[0] == '#' ? NULL : strtok_r(line, " ", &place);
        for (; word != NULL; word = strtok_r(NULL, " ", &place)) {
            assert_true(count < WORD_COUNT);
            words[count++] = word;
        }
        if (count > 0) {
            assert_int_equal(count, WORD_COUNT);
            assert_true(out->comparison.count < ENTRIES_MAX);
            draw_entry(out, words);
        }
    }
}

static void check_print(const char *name, const char *ending, const struct buffer *shown)
{
    BUFFER_AUTO expected = read_file(name, ending);
    if (strcmp(buffer_text(shown), buffer_text(&expected)) != 0) {
        fail_msg("%s%s is shown as\n%s", name, ending, buffer_text(shown));
    }
}

static void check_case(const char *name)
{
    struct drawing drawing;
    BUFFER_AUTO text = read_file(name, ".case");
    BUFFER_AUTO table = BUFFER_EMPTY;
    BUFFER_AUTO json = BUFFER_EMPTY;
    draw(&drawing, text.data);
    migrate_print_status(&table, &drawing.comparison);
    migrate_print_json(&json, &drawing.comparison);
    check_print(name, ".txt", &table);
    check_print(name, ".json", &json);
}

static void test_every_file(void **state)
{
    struct file_list files;
    size_t cases = 0;
    (void) state;
    assert_int_equal(file_list(&files, FOLDER, NULL), 0);
    for (size_t i = 0; i < files.count; i++) {
        char name[64];
        const char *ending = strstr(files.names[i], ".case");
        if (ending != NULL) {
            (void) snprintf(name, sizeof(name), "%.*s", (int) (ending - files.names[i]), files.names[i]);
            check_case(name);
            cases += 1;
        }
    }
    file_list_done(&files);
    assert_true(cases > 0);
}

static void test_what_is_pending_is_counted(void **state)
{
    (void) state;
    struct migrate_entry entries[MIGRATE_STATE_COUNT];
    for (int i = 0; i < MIGRATE_STATE_COUNT; i++) {
        entries[i] = (struct migrate_entry){.state = (enum migrate_state) i};
    }
    const struct migrate_comparison comparison = {.entries = entries, .count = MIGRATE_STATE_COUNT};
    assert_int_equal(migrate_count_pending(&comparison), 4);
}

/* --- plans --- */

static void assert_plan(const char *const (*sources)[2], size_t count, const char *expected)
{
    struct migrate_file files[4] = {{.name = NULL}};
    struct migrate_entry entries[4];
    const struct migrate_entry *items[4];
    char paths[4][32];
    for (size_t i = 0; i < count; i++) {
        struct migrate_source *up = &files[i].up;
        (void) snprintf(paths[i], sizeof(paths[i]), "%s", sources[i][0]);
        up->path = paths[i];
        buffer_append_text(&up->text, sources[i][1]);
        /* As if the first line were not a part of it. */
        const char *line = strchr(sources[i][1], '\n');
        up->part.start = line == NULL ? 0 : (size_t) (line - sources[i][1]) + 1;
        up->part.end = up->text.length;
        entries[i] = (struct migrate_entry){.state = MIGRATE_STATE_PENDING, .file = &files[i]};
        items[i] = &entries[i];
    }
    BUFFER_AUTO out = BUFFER_EMPTY;
    const struct migrate_plan plan = {.items = items, .count = count};
    migrate_print_plan(&out, &plan);
    assert_string_equal(buffer_text(&out), expected);
    for (size_t i = 0; i < count; i++) {
        buffer_done(&files[i].up.text);
    }
}

static void test_plan_is_sql_with_the_names_above(void **state)
{
    (void) state;
    static const char *const sources[][2] = {{"1_a.sql", "-- mark\nSELECT 1;\n"}, {"2_b/up.sql", "SELECT 2"}};
    assert_plan(sources, 2, "-- 1_a.sql\nSELECT 1;\n\n-- 2_b/up.sql\nSELECT 2\n\n");
}

static void test_empty_plans(void **state)
{
    (void) state;
    static const char *const sources[][2] = {{"1_a.sql", ""}};
    assert_plan(NULL, 0, "-- nothing to apply\n");
    assert_plan(sources, 1, "-- 1_a.sql\n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file),
        cmocka_unit_test(test_what_is_pending_is_counted),
        cmocka_unit_test(test_plan_is_sql_with_the_names_above),
        cmocka_unit_test(test_empty_plans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
