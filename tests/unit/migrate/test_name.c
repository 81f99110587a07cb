/* Goal: what every convention's names say, and what is near to one without being one.
 * Not here: which files belong together (test_files.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/name.h"

/* What is expected of a name; of what is no migration only the kind is. */
struct expectation {
    const char *name;
    enum migrate_name_kind kind;
    const char *version;
    const char *marks; /* D: it names its direction, S: for PostgreSQL, A: .autocommit */
};

static void check(struct migrate_name found, const struct expectation *expected)
{
    char marks[4];
    (void) snprintf(marks, sizeof(marks), "%s%s%s", found.explicit_direction ? "D" : "", found.specific ? "S" : "",
                    found.no_transaction ? "A" : "");
    if (found.kind != expected->kind) {
        fail_msg("\"%s\" is of the kind %d", expected->name, (int) found.kind);
    }
    bool is_migration = found.kind == MIGRATE_NAME_UP || found.kind == MIGRATE_NAME_DOWN;
    if (is_migration && (strcmp(found.version.text, expected->version) != 0 || strcmp(marks, expected->marks) != 0)) {
        fail_msg("\"%s\" has the version %s and the marks %s", expected->name, found.version.text, marks);
    }
}

static void check_files(const struct expectation *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(migrate_name_of_file(cases[i].name), &cases[i]);
    }
}

#define UP      MIGRATE_NAME_UP
#define DOWN    MIGRATE_NAME_DOWN
#define MISS    MIGRATE_NAME_MISS
#define FOREIGN MIGRATE_NAME_FOREIGN
#define OTHER   MIGRATE_NAME_OTHER

static void test_plain_names(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"0001_tables.sql", UP, "1", ""},
        {"9_x.sql", UP, "9", ""},
        {"0000_x.sql", UP, "0", ""},
        {"00011_x.up.sql", UP, "11", "D"},
        {"0001_x.down.sql", DOWN, "1", "D"},
        {"0001_x.UP.sql", UP, "1", "D"},
        {"20240131120000_x.sql", UP, "20240131120000", ""},
        {"2024-01-31-120000_x.sql", UP, "20240131120000", ""},
        {"999999999999999999_x.sql", UP, "999999999999999999", ""},
        {"1000000000000000000_x.sql", UP, "1000000000000000000", ""},
        {"1_é.sql", UP, "1", ""},
        {"1_a b.sql", UP, "1", ""},
        {"1__x.sql", UP, "1", ""},
        {"1_up.sql", UP, "1", ""},
        {"1_.x.sql", UP, "1", ""},
        {"1_2_x.sql", UP, "1", ""},
        {"0001_x.up.down.sql", DOWN, "1", "D"},
    };
    check_files(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_titles_with_dots(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"1_add_v1.2.sql", UP, "1", ""},
        {"1_add_v1.2.up.sql", UP, "1", "D"},
        {"1_add.view.sql", UP, "1", ""},
        {"1_up.and.sql", UP, "1", ""},
        {"1_x.up.z.sql", UP, "1", ""},
        {"1_x.mysql.z.sql", UP, "1", ""},
        {"1_x..sql", UP, "1", ""},
        {"1_x.upper.sql", UP, "1", ""},
        {"1_x.postgres.z.down.sql", DOWN, "1", "D"},
    };
    check_files(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_flyway_names(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"V1__x.sql", UP, "1", ""},         {"V1.2__x.sql", UP, "1.2", ""},
        {"V1_2__x.sql", UP, "1.2", ""},     {"V001.0020__x.sql", UP, "1.20", ""},
        {"V2.0__x.sql", UP, "2", ""},       {"V2__.x.sql", UP, "2", ""},
        {"R__x.sql", UP, "", ""},           {"R__x.postgres.sql", UP, "", "S"},
        {"V1__x.down.sql", DOWN, "1", "D"}, {"V1_x.sql", MISS, "", ""},
        {"V1.2_x.sql", MISS, "", ""},       {"V__x.sql", MISS, "", ""},
        {"V1__.sql", MISS, "", ""},         {"V1.12345__x.sql", MISS, "", ""},
        {"v1__x.sql", MISS, "", ""},        {"R__.sql", MISS, "", ""},
        {"R_x.sql", MISS, "", ""},          {"r__x.sql", MISS, "", ""},
        {"U1__x.sql", MISS, "", ""},        {"B1__x.sql", MISS, "", ""},
    };
    check_files(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_dialects_in_every_order(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"20191100000001000000_identities.postgres.up.sql", UP, "20191100000001000000", "DS"},
        {"20191100000001000000_identities.postgres.down.sql", DOWN, "20191100000001000000", "DS"},
        {"20191100000001000000_identities.cockroach.up.sql", FOREIGN, "", ""},
        {"20191100000001000000_identities.sqlite3.down.sql", FOREIGN, "", ""},
        {"20191100000001000000_identities.mysql.up.sql", FOREIGN, "", ""},
        {"1_x.up.postgres.sql", UP, "1", "DS"},
        {"1_x.down.postgresql.sql", DOWN, "1", "DS"},
        {"1_x.pg.sql", UP, "1", "S"},
        {"1_x.PG.sql", UP, "1", "S"},
        {"1_x.mysql.sql", FOREIGN, "", ""},
        {"1_x.down.mysql.sql", FOREIGN, "", ""},
        {"1_x.mysql.down.sql", FOREIGN, "", ""},
        {"1_x.mysql.postgres.sql", FOREIGN, "", ""},
        {"1_x.postgres.mysql.sql", FOREIGN, "", ""},
        {"V1__x.mysql.sql", FOREIGN, "", ""},
        {"R__x.tidb.sql", FOREIGN, "", ""},
        {"1_mysql.sql", UP, "1", ""},
        {"1_x.mysql8.sql", UP, "1", ""},
    };
    check_files(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_autocommit(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"1_x.autocommit.sql", UP, "1", "A"},
        {"1_x.autocommit.up.sql", UP, "1", "DA"},
        {"1_x.up.autocommit.sql", UP, "1", "DA"},
        {"1_x.postgres.autocommit.down.sql", DOWN, "1", "DSA"},
        {"1_x.autocommit.postgres.down.sql", DOWN, "1", "DSA"},
        {"1_x.down.postgres.autocommit.sql", DOWN, "1", "DSA"},
        {"1_autocommit.sql", UP, "1", ""},
        {"1_x.autocommitted.sql", UP, "1", ""},
    };
    check_files(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_near_misses(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"003-typo.sql", MISS, "", ""}, {"0001.sql", MISS, "", ""},
        {"0001_.sql", MISS, "", ""},    {"0001_.up.sql", MISS, "", ""},
        {"0001 x.sql", MISS, "", ""},   {"0001.x.sql", MISS, "", ""},
        {"-1_x.sql", MISS, "", ""},     {"_x.sql", MISS, "", ""},
        {"x.sql", MISS, "", ""},        {"seed.postgres.sql", MISS, "", ""},
        {"0001_x.SQL", MISS, "", ""},   {"0001_x.up.Sql", MISS, "", ""},
        {"V1__x.SQL", MISS, "", ""},    {"R__x.SQL", MISS, "", ""},
        {"00002_x.go", MISS, "", ""},   {"20191100000001000000_x.up.fizz", MISS, "", ""},
        {"V1__x.java", MISS, "", ""},   {"12345678901234567890123456789012345678901234567_x.sql", MISS, "", ""},
    };
    check_files(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_other_files(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"README.md", OTHER, "", ""},
        {"x.SQL", OTHER, "", ""},
        {".0001_x.sql", OTHER, "", ""},
        {".sql", OTHER, "", ""},
        {"sql", OTHER, "", ""},
        {"", OTHER, "", ""},
        {"0001_x.sql~", OTHER, "", ""},
        {"0001_x.sql.", OTHER, "", ""},
        {"0001_x.sql.bak", OTHER, "", ""},
        {"9", OTHER, "", ""},
        {"9.a", OTHER, "", ""},
        {"0001_x", OTHER, "", ""},
        {"alembic_revisions", OTHER, "", ""},
        {"x.go", OTHER, "", ""},
        {"0001_x.md", OTHER, "", ""},
    };
    check_files(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_directories(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"2024-01-31-120000_x", UP, "20240131120000", "D"},
        {"00000000000000_diesel_initial_setup", UP, "0", "D"},
        {"000000000000000_x", UP, "0.1", "D"},
        {"00000000000000000000000_x", UP, "0.9", "D"},
        {"000000000000000000000000_x", UP, "0", "D"},
        {"000000000000001_x", UP, "1", "D"},
        {"2026-07-25-142459-0000_x", UP, "20260725142459", "D"},
        {"2026-07-25-142459-0012_x", UP, "20260725142459.12", "D"},
        {"2026-07-25-1424590-000_x", UP, "202607251424590000", "D"},
        {"9_x", UP, "9", "D"},
        {"9_x.mysql", UP, "9", "D"},
        {"2024-01-31-120000", MISS, "", ""},
        {"2024-01-31-120000_", MISS, "", ""},
        {"9", MISS, "", ""},
        {"0001-x", MISS, "", ""},
        {"V1__x", OTHER, "", ""},
        {"old", OTHER, "", ""},
        {".git", OTHER, "", ""},
        {"..2024_01_31", OTHER, "", ""},
        {"_9_x", OTHER, "", ""},
        {"", OTHER, "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(migrate_name_of_directory(cases[i].name), &cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_names),  cmocka_unit_test(test_titles_with_dots),
        cmocka_unit_test(test_flyway_names), cmocka_unit_test(test_dialects_in_every_order),
        cmocka_unit_test(test_autocommit),   cmocka_unit_test(test_near_misses),
        cmocka_unit_test(test_other_files),  cmocka_unit_test(test_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
