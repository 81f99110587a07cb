/* Goal: what is applied, undone and refused, for every way in which files and history can differ.
 * Not here: doing it (tests/integration/test_migrate.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/plan.h"

#define SIDE_MAX 8

/* A side is written as "1a 2b Vc": number 1 with content a, number 2 with content b, the repeatable V with content c. A
 * mark behind it says more: of a row `=` a baseline; of a file `-` that something undoes it. */
struct sides {
    struct migrate_file files[SIDE_MAX];
    struct migrate_row rows[SIDE_MAX];
    char file_names[SIDE_MAX][16];
    char row_names[SIDE_MAX][16];
    struct migrate_comparison comparison;
};

struct item {
    char number;
    char content;
    char mark;
};

static size_t read_side(const char *text, struct item *items)
{
    size_t count = 0;
    while (*text != '\0') {
        assert_true(count < SIDE_MAX);
        bool marked = text[2] == '=' || text[2] == '-';
        items[count++] = (struct item){.number = text[0], .content = text[1], .mark = marked ? text[2] : '\0'};
        text += marked ? 3 : 2;
        text += *text == ' ' ? 1 : 0;
    }
    return count;
}

static void fill(char name[16], struct migrate_version *version, char sha256[SHA256_TEXT_SIZE], const struct item *item)
{
    bool is_repeatable = item->number >= 'A';
    *version = (struct migrate_version){.text = {is_repeatable ? '\0' : item->number}};
    (void) snprintf(name, 16, is_repeatable ? "R__%c.sql" : "%c_x.sql", item->number);
    sha256[0] = item->content;
    sha256[1] = '\0';
}

static void compare(struct sides *sides, const char *files, const char *history)
{
    static char binary_version[] = "0.9";
    struct item items[SIDE_MAX];
    memset(sides, 0, sizeof(*sides));
    const struct migrate_files all = {.items = sides->files, .count = read_side(files, items)};
    for (size_t i = 0; i < all.count; i++) {
        struct migrate_file *file = &sides->files[i];
        fill(sides->file_names[i], &file->version, file->sha256, &items[i]);
        file->name = sides->file_names[i];
        file->down.part.exists = items[i].mark == '-';
    }
    const struct migrate_history past = {.rows = sides->rows, .count = read_side(history, items)};
    for (size_t i = 0; i < past.count; i++) {
        struct migrate_row *row = &sides->rows[i];
        fill(sides->row_names[i], &row->version, row->sha256, &items[i]);
        row->name = sides->row_names[i];
        row->binary_version = binary_version;
        row->kind = items[i].mark == '='           ? MIGRATE_ROW_BASELINE
                    : row->version.text[0] == '\0' ? MIGRATE_ROW_REPEATABLE
                                                   : MIGRATE_ROW_MIGRATION;
    }
    assert_int_equal(migrate_compare(&sides->comparison, &all, &past, NULL), 0);
}

/* --- states --- */

static void assert_states(const char *files, const char *history, const char *expected)
{
    struct sides sides;
    char states[SIDE_MAX * 16] = "";
    compare(&sides, files, history);
    for (size_t i = 0; i < sides.comparison.count; i++) {
        const struct migrate_entry *entry = &sides.comparison.entries[i];
        size_t used = strlen(states);
        const char *name = migrate_entry_name(entry);
        const char *version = migrate_entry_version(entry)->text;
        assert_true(version[0] == '\0' ? strncmp(name, "R__", 3) == 0 : version[0] == name[0]);
        (void) snprintf(states + used, sizeof(states) - used, "%s%c %s", i == 0 ? "" : ", ",
                        version[0] == '\0' ? name[3] : name[0], migrate_state_names[entry->state]);
    }
    assert_string_equal(states, expected);
    migrate_comparison_done(&sides.comparison);
}

static void test_states(void **state)
{
    (void) state;
    assert_states("", "", "");
    assert_states("1a 2b", "", "1 pending, 2 pending");
    assert_states("1a 2b 3c", "1a 2b", "1 applied, 2 applied, 3 pending");
    assert_states("1a 2b 3c", "1a= 2b", "1 baseline, 2 applied, 3 pending");
    assert_states("1a 2x", "1a 2b", "1 applied, 2 edited");
    assert_states("1x", "1a=", "1 edited");
    assert_states("1a 2b 3c", "1a 3c", "1 applied, 2 late, 3 applied");
    assert_states("2b", "1a 2b", "1 missing, 2 applied");
    assert_states("1a", "1a 2b 3c", "1 applied, 2 newer, 3 newer");
    assert_states("", "1a", "1 newer");
    assert_states("Va", "1a", "1 newer, V pending");
    assert_states("1a 3c 4d", "2b 3x 5e", "1 late, 2 missing, 3 edited, 4 late, 5 newer");
}

static void test_states_of_repeatable_ones(void **state)
{
    (void) state;
    assert_states("1a Va Wb", "1a", "1 applied, V pending, W pending");
    assert_states("1a Va Wb", "1a Va Wx", "1 applied, V applied, W changed");
    assert_states("1a 2b Vb", "1a Va Wb", "1 applied, 2 pending, V changed");
    assert_states("1a Wb", "1a Va Wb", "1 applied, W applied");
    assert_states("1a Va Wb", "1a Wb", "1 applied, V pending, W applied");
    assert_states("1a", "1a Va Wb", "1 applied");
}

static void test_what_is_pending(void **state)
{
    (void) state;
    for (int i = 0; i < MIGRATE_STATE_COUNT; i++) {
        const struct migrate_entry entry = {.state = (enum migrate_state) i};
        bool expected = i == MIGRATE_STATE_PENDING || i == MIGRATE_STATE_BEGUN || i == MIGRATE_STATE_CHANGED ||
                        i == MIGRATE_STATE_LATE;
        assert_int_equal(migrate_entry_pending(&entry), expected);
    }
}

/* Goal: only what is pending is marked, and only by its whole name. */
static void test_what_was_begun_is_marked(void **state)
{
    (void) state;
    struct sides sides;
    compare(&sides, "1a 2b 3c 4d Va", "1a");
    migrate_comparison_mark_begun(&sides.comparison, "1_x.sql\n3_x.sql\n4_x\nR__V.sql");
    const enum migrate_state expected[] = {MIGRATE_STATE_APPLIED, MIGRATE_STATE_PENDING, MIGRATE_STATE_BEGUN,
                                           MIGRATE_STATE_PENDING, MIGRATE_STATE_BEGUN};
    for (size_t i = 0; i < sides.comparison.count; i++) {
        assert_int_equal(sides.comparison.entries[i].state, expected[i]);
    }
    struct migrate_plan plan;
    assert_int_equal(migrate_plan_up(&plan, &sides.comparison, &(const struct migrate_rules){.to = NULL}, NULL), 0);
    assert_int_equal(plan.count, 4);
    migrate_plan_done(&plan);
    migrate_comparison_mark_begun(&sides.comparison, "");
    migrate_comparison_done(&sides.comparison);
}

/* --- plans --- */

static struct migrate_rules rules_of(const char *to, struct migrate_version *version)
{
    struct migrate_rules rules = {.to = to == NULL ? NULL : version};
    if (to != NULL) {
        assert_true(migrate_version_parse(version, to));
    }
    return rules;
}

static void assert_names(const struct migrate_plan *plan, const char *expected)
{
    char names[SIDE_MAX + 1] = "";
    for (size_t i = 0; i < plan->count; i++) {
        const char *name = migrate_entry_name(plan->items[i]);
        names[i] = name[0] == 'R' ? name[3] : name[0];
    }
    assert_string_equal(names, expected);
}

static void assert_up(const char *files, const char *history, struct migrate_rules rules, const char *expected)
{
    struct sides sides;
    MIGRATE_PLAN_AUTO plan = {.items = NULL, .count = 0};
    compare(&sides, files, history);
    assert_int_equal(migrate_plan_up(&plan, &sides.comparison, &rules, NULL), 0);
    assert_names(&plan, expected);
    migrate_comparison_done(&sides.comparison);
}

static void assert_down(const char *files, const char *history, size_t steps, const char *to, const char *expected)
{
    struct sides sides;
    struct migrate_version version;
    MIGRATE_PLAN_AUTO plan = {.items = NULL, .count = 0};
    const struct migrate_rules rules = rules_of(to, &version);
    compare(&sides, files, history);
    assert_int_equal(migrate_plan_down(&plan, &sides.comparison, steps, &rules, NULL), 0);
    assert_names(&plan, expected);
    migrate_comparison_done(&sides.comparison);
}

static const struct migrate_rules strict = {.to = NULL};

static void test_what_is_new_is_applied_in_order(void **state)
{
    (void) state;
    assert_up("1a 2b 3c", "", strict, "123");
    assert_up("1a 2b 3c", "1a", strict, "23");
    assert_up("1a 5b 9c", "1a 5b", strict, "9");
    assert_up("1a 2b", "1a= 2b", strict, "");
    assert_up("", "", strict, "");
}

static void test_repeatable_ones_come_last_and_when_they_changed(void **state)
{
    (void) state;
    assert_up("1a 2b Va Wb", "1a", strict, "2VW");
    assert_up("1a Va Wb", "1a Va Wx", strict, "W");
    assert_up("1a Va", "1a Va Wb", strict, "");
}

static void test_up_to_a_version(void **state)
{
    (void) state;
    struct migrate_version version;
    assert_up("1a 2b 3c Va", "", rules_of("2", &version), "12");
    assert_up("1a 2b 3c Va", "1a 2b", rules_of("0002_x.sql", &version), "");
    assert_up("1a 2b 3c", "1a 2b 3c", rules_of("1", &version), "");
}

static void test_out_of_order(void **state)
{
    (void) state;
    assert_up("1a 2b 3c 4d", "1a 3c", (struct migrate_rules){.out_of_order = true}, "24");
}

static void test_allow_newer(void **state)
{
    (void) state;
    assert_up("1a 2b", "1a 2b 3c", (struct migrate_rules){.allow_newer = true}, "");
    assert_up("1a Vb", "1a 2b Va", (struct migrate_rules){.allow_newer = true}, "V");
    assert_up("", "1a", (struct migrate_rules){.allow_newer = true}, "");
}

static void test_down(void **state)
{
    (void) state;
    assert_down("1a- 2b- 3c-", "1a 2b 3c", 1, NULL, "3");
    assert_down("1a- 2b- 3c-", "1a 2b 3c", 2, NULL, "32");
    assert_down("1a- 2b- 3c-", "1a 2b 3c", 9, NULL, "321");
    assert_down("1a- 2b- 3c-", "1a 2b 3c", 0, NULL, "");
    assert_down("1a- 2b- 3c-", "1a 3c", 2, NULL, "31");
    assert_down("1a- 2b- 3c- Va", "1a 2b Va", 1, NULL, "2");
    assert_down("1a 2b-", "", 5, NULL, "");
    assert_down("1a 2b-", "1a= 2b", 1, NULL, "2");
}

static void test_down_to_a_version(void **state)
{
    (void) state;
    assert_down("1a 2b- 3c-", "1a 2b 3c", 1, "1", "32");
    assert_down("1a 2b- 3c-", "1a 2b 3c", 1, "3", "");
    assert_down("1a- 2b- 3c-", "1a 2b 3c", 1, "0", "321");
}

/* --- refusals --- */

static void assert_refused(const char *files, const char *history, struct migrate_rules rules, const char *message,
                           const char *hint)
{
    struct sides sides;
    struct migrate_plan plan = {.items = NULL, .count = 7};
    struct err err = {.code = ERR_NONE};
    compare(&sides, files, history);
    assert_int_equal(migrate_plan_up(&plan, &sides.comparison, &rules, &err), -ERR_MIGRATION);
    assert_int_equal(plan.count, 7);
    assert_string_equal(err.message, message);
    assert_string_equal(err.hint, hint);
    migrate_comparison_done(&sides.comparison);
}

static const char edited_hint[] = "restore the file as it was, and make the change in a new migration; when the "
                                  "database is as the file says, digitalism migrate repair accepts it";
static const char missing_hint[] = "put the file back; applied migrations belong to the database";
static const char newer_hint[] = "start the version that has this migration, or a later one; --allow-newer "
                                 "(MIGRATIONS_ALLOW_NEWER) goes on without it";

static void test_edited_file_is_refused_with_both_hashes(void **state)
{
    (void) state;
    assert_refused("1a 2x 3c", "1a 2b", strict,
                   "2_x.sql was edited after it was applied: its sha256 was b, now it is x", edited_hint);
    assert_refused("1x", "1a=", strict, "1_x.sql was edited after it was applied: its sha256 was a, now it is x",
                   edited_hint);
}

static void test_missing_file_is_refused(void **state)
{
    (void) state;
    const struct migrate_rules lax = {.out_of_order = true, .allow_newer = true};
    const char *message = "2_x.sql was applied to the database, but the file is missing";
    assert_refused("2b 3c", "1a 2b", strict, "1_x.sql was applied to the database, but the file is missing",
                   missing_hint);
    assert_refused("1a 3c", "1a 2b 3c", strict, message, missing_hint);
    assert_refused("1a 3c", "1a 2b 3c", lax, message, missing_hint);
}

static void test_new_file_before_an_applied_one_is_refused(void **state)
{
    (void) state;
    assert_refused("1a 2b 3c 4d", "1a 3c 4d", strict,
                   "2_x.sql is new, but stands before 4_x.sql, which is already applied",
                   "give it a number above 4, or apply it all the same with --out-of-order (MIGRATIONS_OUT_OF_ORDER)");
    assert_refused("1a 3c Va", "3c Va", strict, "1_x.sql is new, but stands before 3_x.sql, which is already applied",
                   "give it a number above 3, or apply it all the same with --out-of-order (MIGRATIONS_OUT_OF_ORDER)");
}

static void test_newer_database_is_refused(void **state)
{
    (void) state;
    assert_refused("1a 2b", "1a 2b 3c", strict,
                   "the database is newer than the migrations: 3_x.sql was applied to it by version 0.9, the last file "
                   "is 2_x.sql",
                   newer_hint);
    assert_refused("1x Va", "1a 2b 3c", strict,
                   "the database is newer than the migrations: 3_x.sql was applied to it by version 0.9, the last file "
                   "is 1_x.sql",
                   newer_hint);
    assert_refused("", "1a", strict,
                   "the database is newer than the migrations: 1_x.sql was applied to it by version 0.9, the last file "
                   "is none",
                   newer_hint);
}

/* Goal: one rule that is loosened leaves the others in place. */
static void test_each_rule_loosens_its_own_refusal_only(void **state)
{
    (void) state;
    assert_refused("1x", "1a 2b", (struct migrate_rules){.allow_newer = true},
                   "1_x.sql was edited after it was applied: its sha256 was a, now it is x", edited_hint);
    assert_refused("1a 2x 3c", "2b 3c", (struct migrate_rules){.out_of_order = true},
                   "2_x.sql was edited after it was applied: its sha256 was b, now it is x", edited_hint);
    assert_refused("1a 2b", "1a 2b 3c", (struct migrate_rules){.out_of_order = true},
                   "the database is newer than the migrations: 3_x.sql was applied to it by version 0.9, the last file "
                   "is 2_x.sql",
                   newer_hint);
}

static void test_up_to_no_version_is_refused(void **state)
{
    (void) state;
    struct migrate_version version;
    assert_refused("1a 2b", "1a", rules_of("7", &version), "no migration has the version 7", "");
    assert_refused("1x 2b", "1a", rules_of("7", &version),
                   "1_x.sql was edited after it was applied: its sha256 was a, now it is x", edited_hint);
}

static void assert_not_undone(const char *files, const char *history, struct migrate_rules rules, const char *message,
                              const char *hint)
{
    struct sides sides;
    struct migrate_plan plan = {.items = NULL, .count = 7};
    struct err err = {.code = ERR_NONE};
    compare(&sides, files, history);
    assert_int_equal(migrate_plan_down(&plan, &sides.comparison, 2, &rules, &err), -ERR_MIGRATION);
    assert_int_equal(plan.count, 7);
    assert_string_equal(err.message, message);
    assert_string_equal(err.hint, hint);
    migrate_comparison_done(&sides.comparison);
}

static void test_what_cannot_be_undone_is_refused(void **state)
{
    (void) state;
    assert_not_undone("1a 2b-", "1a 2b", strict, "1_x.sql has nothing that undoes it",
                      "a file of the same number that ends in .down.sql, or a section for it, would");
    assert_not_undone("1a- 2b-", "1a= 2b", strict,
                      "1_x.sql was in the database before it was taken over, and is not undone", "");
    assert_not_undone("1a- 2x-", "1a 2b", strict,
                      "2_x.sql was edited after it was applied: its sha256 was b, now it is x", edited_hint);
    assert_not_undone("1a-", "1a 2b", strict, "2_x.sql was applied to the database, but the file is missing",
                      missing_hint);
    assert_not_undone("2b-", "1a 2b", strict, "1_x.sql was applied to the database, but the file is missing",
                      missing_hint);
}

/* Goal: a slip of the pen does not undo all. */
static void test_down_to_no_version_is_refused(void **state)
{
    (void) state;
    struct migrate_version version;
    assert_not_undone("5a- 6b-", "5a 6b", rules_of("3", &version), "no migration has the version 3", "");
    assert_not_undone("5a- 6b-", "5a 6b", rules_of("9", &version), "no migration has the version 9", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_states_of_repeatable_ones),
        cmocka_unit_test(test_what_is_pending),
        cmocka_unit_test(test_what_was_begun_is_marked),
        cmocka_unit_test(test_what_is_new_is_applied_in_order),
        cmocka_unit_test(test_repeatable_ones_come_last_and_when_they_changed),
        cmocka_unit_test(test_up_to_a_version),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_allow_newer),
        cmocka_unit_test(test_down),
        cmocka_unit_test(test_down_to_a_version),
        cmocka_unit_test(test_edited_file_is_refused_with_both_hashes),
        cmocka_unit_test(test_missing_file_is_refused),
        cmocka_unit_test(test_new_file_before_an_applied_one_is_refused),
        cmocka_unit_test(test_newer_database_is_refused),
        cmocka_unit_test(test_each_rule_loosens_its_own_refusal_only),
        cmocka_unit_test(test_up_to_no_version_is_refused),
        cmocka_unit_test(test_what_cannot_be_undone_is_refused),
        cmocka_unit_test(test_down_to_no_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
