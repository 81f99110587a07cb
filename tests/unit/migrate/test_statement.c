/* Goal: what a statement would do to a transaction is seen from its first words, and never from what only looks like
 * it. Not here: where statements end (test_script.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/script.h"

#define OTHER  MIGRATE_STATEMENT_OTHER
#define BEGIN  MIGRATE_STATEMENT_BEGIN
#define COMMIT MIGRATE_STATEMENT_COMMIT
#define ENDS   MIGRATE_STATEMENT_ENDS
#define INDEX  MIGRATE_STATEMENT_INDEX
#define ALONE  MIGRATE_STATEMENT_ALONE

struct expectation {
    const char *text;
    enum migrate_statement_kind kind;
};

static struct migrate_script parse(const char *text)
{
    struct migrate_script script = {.items = NULL};
    size_t offset = 0;
    assert_int_equal(migrate_script_parse(&script, text, 0, strlen(text), &offset, NULL), 0);
    return script;
}

static void check(const struct expectation *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        MIGRATE_SCRIPT_AUTO script = parse(cases[i].text);
        assert_int_equal(script.count, 1);
        if (script.items[0].kind != cases[i].kind) {
            fail_msg("of the kind %d: %s", (int) script.items[0].kind, cases[i].text);
        }
    }
}

static void test_transactions(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"BEGIN", BEGIN},
        {"begin work", BEGIN},
        {"Begin /* x */ Transaction;", BEGIN},
        {"START TRANSACTION", BEGIN},
        {"BEGIN ISOLATION LEVEL SERIALIZABLE", OTHER},
        {"BEGIN TRANSACTION READ ONLY", OTHER},
        {"START TRANSACTION READ WRITE", OTHER},
        {"COMMIT", COMMIT},
        {"commit work", COMMIT},
        {"COMMIT TRANSACTION", COMMIT},
        {"END", COMMIT},
        {"end transaction", COMMIT},
        {"COMMIT AND CHAIN", ENDS},
        {"COMMIT WORK AND NO CHAIN", ENDS},
        {"END AND CHAIN", ENDS},
        {"ABORT", ENDS},
        {"ABORT WORK", ENDS},
        {"ROLLBACK", ENDS},
        {"rollback work", ENDS},
        {"ROLLBACK AND CHAIN", ENDS},
        {"PREPARE TRANSACTION 'x'", ENDS},
        {"COMMIT PREPARED 'x'", ALONE},
        {"ROLLBACK PREPARED 'x'", ALONE},
    };
    check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_look_alikes_of_transactions(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"SELECT 'x; COMMIT;'", OTHER},
        {"-- x;\n/* ; COMMIT; */ SELECT 1", OTHER},
        {"DO $$ BEGIN NULL; END; $$", OTHER},
        {"SAVEPOINT a", OTHER},
        {"RELEASE a", OTHER},
        {"ROLLBACK TO a", OTHER},
        {"ROLLBACK WORK TO SAVEPOINT a", OTHER},
        {"ROLLBACK TRANSACTION TO a", OTHER},
        {"PREPARE x AS SELECT 1", OTHER},
        {"PREPARE transactions AS SELECT 1", OTHER},
        {"COMMENT ON TABLE a IS 'x'", OTHER},
        {"SELECT 1 AS commit", OTHER},
        {"CREATE TABLE a (\"end\" int)", OTHER},
        {"CREATE TABLE commits ()", OTHER},
        {"\"commit\"", OTHER},
        {"CREATE RULE r AS ON INSERT TO a DO (SELECT 1; END)", OTHER},
        {"CREATE OR REPLACE PROCEDURE f() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END", OTHER},
        {"create function f() returns int begin atomic select 1; end", OTHER},
    };
    check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_what_stands_alone(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"CREATE DATABASE a", ALONE},
        {"drop database if exists a", ALONE},
        {"CREATE TABLESPACE a LOCATION '/a'", ALONE},
        {"DROP TABLESPACE a", ALONE},
        {"CREATE SUBSCRIPTION a CONNECTION '' PUBLICATION b", ALONE},
        {"DROP SUBSCRIPTION a", ALONE},
        {"ALTER SUBSCRIPTION a REFRESH PUBLICATION", ALONE},
        {"ALTER SYSTEM SET work_mem = 1", ALONE},
        {"REINDEX DATABASE a", ALONE},
        {"REINDEX SCHEMA a", ALONE},
        {"REINDEX SYSTEM a", ALONE},
        {"VACUUM", ALONE},
        {"VACUUM (ANALYZE) a", ALONE},
        {"CLUSTER", ALONE},
        {"CLUSTER VERBOSE", ALONE},
        {"ALTER DATABASE a SET TABLESPACE b", ALONE},
        {"REINDEX (VERBOSE, TABLESPACE b) DATABASE a", ALONE},
        {"REINDEX (VERBOSE) SCHEMA a", ALONE},
        {"CLUSTER (VERBOSE)", ALONE},
        {"CLUSTER (VERBOSE TRUE)", ALONE},
        {"ALTER TABLE s.a DETACH PARTITION s.b CONCURRENTLY", ALONE},
        {"ALTER TABLE IF EXISTS ONLY s.a DETACH PARTITION s.b CONCURRENTLY", ALONE},
        {"DROP INDEX CONCURRENTLY a", ALONE},
        {"DROP INDEX CONCURRENTLY IF EXISTS a, b", ALONE},
        {"ALTER TABLE a DETACH PARTITION b CONCURRENTLY", ALONE},
        {"ALTER TABLE IF EXISTS a DETACH PARTITION b CONCURRENTLY", ALONE},
    };
    check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_what_does_not_stand_alone(void **state)
{
    (void) state;
    static const struct expectation cases[] = {
        {"CREATE TABLE database ()", OTHER},
        {"DROP TABLE tablespace", OTHER},
        {"ALTER DATABASE a SET work_mem = 1", OTHER},
        {"ALTER DATABASE a RENAME TO b", OTHER},
        {"ALTER DATABASE tablespace RENAME TO b", OTHER},
        {"REINDEX TABLE a", OTHER},
        {"REINDEX (VERBOSE) INDEX a", OTHER},
        {"CLUSTER a", OTHER},
        {"CLUSTER VERBOSE a", OTHER},
        {"CLUSTER a USING b", OTHER},
        {"CLUSTER (VERBOSE) a", OTHER},
        {"REINDEX (VERBOSE) TABLE schema", OTHER},
        {"DROP INDEX a", OTHER},
        {"DROP INDEX \"concurrently\"", OTHER},
        {"ALTER TABLE a DETACH PARTITION b", OTHER},
        {"ALTER TABLE a DETACH PARTITION b FINALIZE", OTHER},
        {"ALTER TABLE a ADD COLUMN b text DEFAULT 'concurrently'", OTHER},
        {"REFRESH MATERIALIZED VIEW CONCURRENTLY a", OTHER},
        {"ANALYZE a", OTHER},
        {"ALTER TYPE a ADD VALUE 'b'", OTHER},
        {"CREATE INDEX a ON b (c)", OTHER},
        {"CREATE UNIQUE INDEX IF NOT EXISTS a ON b (concurrently)", OTHER},
    };
    check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void assert_index(const char *text, const char *name)
{
    MIGRATE_SCRIPT_AUTO script = parse(text);
    const struct migrate_statement *statement = &script.items[0];
    if (statement->kind != INDEX) {
        fail_msg("builds no index: %s", text);
    }
    assert_int_equal(statement->name_end - statement->name, strlen(name));
    assert_memory_equal(text + statement->name, name, strlen(name));
}

static void test_indexes_and_their_names(void **state)
{
    (void) state;
    assert_index("CREATE INDEX CONCURRENTLY a ON b (c)", "a");
    assert_index("create unique index concurrently \"A\"\"b\" on b (c)", "\"A\"\"b\"");
    assert_index("CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON b (c)", "a");
    assert_index("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS a ON s.b (c)", "a");
    assert_index("CREATE INDEX CONCURRENTLY \"on\" ON b (c)", "\"on\"");
    assert_index("CREATE INDEX CONCURRENTLY ON b (c)", "");
    assert_index("CREATE INDEX CONCURRENTLY", "");
    assert_index("REINDEX TABLE CONCURRENTLY a", "");
    assert_index("REINDEX (VERBOSE) INDEX CONCURRENTLY a", "");
    assert_index("REINDEX (CONCURRENTLY, VERBOSE) SCHEMA a", "");
    assert_index("REINDEX (VERBOSE, TABLESPACE b, CONCURRENTLY) TABLE a", "");
}

/* Goal: `text` unwrapped has `count` statements, and the first of them begins with `first`. */
static void assert_unwrapped(const char *text, size_t count, const char *first)
{
    MIGRATE_SCRIPT_AUTO script = parse(text);
    migrate_script_unwrap(&script);
    if (script.count != count) {
        fail_msg("%zu statements are left of: %s", script.count, text);
    }
    if (count > 0) {
        assert_memory_equal(text + script.items[0].start, first, strlen(first));
    }
}

static void test_one_transaction_around_all_is_taken_away(void **state)
{
    (void) state;
    assert_unwrapped("BEGIN; a; b; COMMIT;", 2, "a");
    assert_unwrapped("-- x\nSTART TRANSACTION;\na;\nEND TRANSACTION\n", 1, "a");
    assert_unwrapped("BEGIN; COMMIT", 0, "");
    assert_unwrapped("BEGIN; a; COMMIT; begin work; b; c; end;", 3, "a");
    assert_unwrapped("BEGIN; SAVEPOINT s; a; ROLLBACK TO s; COMMIT;", 3, "SAVEPOINT");
    assert_unwrapped("BEGIN;\nCOPY t FROM stdin;\n1;\n\\.\nCOMMIT;", 1, "COPY");
}

static void test_other_transactions_stay(void **state)
{
    (void) state;
    assert_unwrapped("", 0, "");
    assert_unwrapped("BEGIN", 1, "BEGIN");
    assert_unwrapped("COMMIT", 1, "COMMIT");
    assert_unwrapped("BEGIN; a;", 2, "BEGIN");
    assert_unwrapped("a; COMMIT;", 2, "a");
    assert_unwrapped("COMMIT; BEGIN;", 2, "COMMIT");
    assert_unwrapped("BEGIN; a; COMMIT; b; BEGIN; c; COMMIT;", 7, "BEGIN");
    assert_unwrapped("BEGIN; a; ROLLBACK; COMMIT;", 4, "BEGIN");
    assert_unwrapped("BEGIN; a; COMMIT AND CHAIN; b; COMMIT;", 5, "BEGIN");
    assert_unwrapped("BEGIN; a; COMMIT; b;", 4, "BEGIN");
    assert_unwrapped("SET x = 1; BEGIN; a; COMMIT;", 4, "SET");
    assert_unwrapped("BEGIN; a; BEGIN; b; COMMIT;", 5, "BEGIN");
    assert_unwrapped("BEGIN ISOLATION LEVEL SERIALIZABLE; a; COMMIT;", 3, "BEGIN");
}

typedef const struct migrate_statement *search(const struct migrate_script *script);

static void assert_found(search *find, const char *text, const char *expected)
{
    MIGRATE_SCRIPT_AUTO script = parse(text);
    const struct migrate_statement *found = find(&script);
    if ((found == NULL) != (expected == NULL)) {
        fail_msg("%s in: %s", found == NULL ? "nothing found" : "found", text);
    }
    if (found != NULL) {
        assert_memory_equal(text + found->start, expected, strlen(expected));
        assert_int_equal(found->word, found->start);
        assert_int_equal(found->word_end - found->word,
                         strspn(expected, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"));
    }
}

static void test_the_first_of_a_kind_is_found(void **state)
{
    (void) state;
    assert_found(migrate_script_alone, "a; VACUUM b; VACUUM c;", "VACUUM b");
    assert_found(migrate_script_alone, "a; CREATE INDEX CONCURRENTLY b ON c (d); VACUUM", "CREATE");
    assert_found(migrate_script_alone, "a; COMMIT; CREATE INDEX b ON c (d)", NULL);
    assert_found(migrate_script_alone, "", NULL);
    assert_found(migrate_script_end, "begin; select 1; commit; abort", "commit");
    assert_found(migrate_script_end, "SELECT 1;\n-- x\nEND;", "END");
    assert_found(migrate_script_end, ";;abort", "abort");
    assert_found(migrate_script_end, "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; COMMIT", "COMMIT");
    assert_found(migrate_script_end, "CREATE FUNCTION f() AS $$ x $$; COMMIT", "COMMIT");
    assert_found(migrate_script_end, "BEGIN; SELECT 1; VACUUM; COMMIT PREPARED 'x'", NULL);
    assert_found(migrate_script_end, "", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_look_alikes_of_transactions),
        cmocka_unit_test(test_what_stands_alone),
        cmocka_unit_test(test_what_does_not_stand_alone),
        cmocka_unit_test(test_indexes_and_their_names),
        cmocka_unit_test(test_one_transaction_around_all_is_taken_away),
        cmocka_unit_test(test_other_transactions_stay),
        cmocka_unit_test(test_the_first_of_a_kind_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
