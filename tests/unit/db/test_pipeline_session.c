/* Goal: sessions that a pooler shares among clients, and statements that are not what was prepared, cost nobody an
 * answer and leave no setting behind. A real PostgreSQL plays the pooler's part; PgBouncer is in tests/integration. */
#include "pipeline_owner.h"

/* A pooler may give us a session in which our statements were never prepared. Nobody sees more than their answers. */
static void test_forgotten_statements_are_sent_as_text(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 100);
    struct outcome outcomes[40] = {{.replies = 0}};
    struct outcome forget = {.replies = 0};
    until_connected(pipeline);
    assert_false(pipeline->is_pooled || pipeline->sends_text);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(query(pipeline, DIVIDE, i % 5 == 0 ? "0" : "3", NULL, &outcomes[i]), 0);
        if (i == 12) {
            assert_int_equal(query(pipeline, FORGET, NULL, NULL, &forget), 0);
        }
        if (i % 8 == 7) {
            db_pipeline_flush(pipeline);
        }
    }
    until_done(pipeline);
    assert_false(forget.failed);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(outcomes[i].replies, 1);
        assert_int_equal(outcomes[i].failed, i % 5 == 0);
        assert_string_equal(i % 5 == 0 ? outcomes[i].err.sqlstate : outcomes[i].text[0], i % 5 == 0 ? "22012" : "4");
    }
    assert_true(db_pipeline_connected(pipeline) && pipeline->is_pooled && pipeline->sends_text);
    db_pipeline_free(pipeline);
}

/* Or one in which somebody has prepared them already; two alike in one table come to the same. */
static void test_existing_statements_are_sent_as_text(void **state)
{
    static const struct db_statement alike[] = {{"SELECT $1::int + 1", 1}, {"SELECT $1::int + 1", 1}, {"SELECT 5", 0}};
    struct db_pipeline *pipeline = make(*state, alike, 3, 100);
    struct outcome outcomes[3] = {{.replies = 0}};
    db_pipeline_tick(pipeline);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(query(pipeline, i, "4", NULL, &outcomes[i]), 0);
    }
    until_done(pipeline);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(outcomes[i].text[0], "5");
    }
    assert_true(pipeline->sends_text);
    db_pipeline_free(pipeline);
}

/* A migration changes a column's type under a statement that is prepared. */
static void test_changed_column_type_is_no_error(void **state)
{
    static const struct db_statement make_table[] = {{"CREATE TABLE changing AS SELECT 7 AS a", 0}};
    static const struct db_statement change[] = {{"SELECT a FROM changing", 0},
                                                 {"ALTER TABLE changing ALTER a TYPE text USING 'x' || a", 0},
                                                 {"DROP TABLE changing", 0}};
    struct outcome outcomes[3] = {{.replies = 0}};
    struct db_pipeline *pipeline = make(*state, make_table, 1, 100);
    until_connected(pipeline);
    assert_int_equal(query(pipeline, 0, NULL, NULL, &outcomes[0]), 0);
    until_done(pipeline);
    db_pipeline_free(pipeline);
    pipeline = make(*state, change, 3, 100);
    until_connected(pipeline);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(query(pipeline, i % 2, NULL, NULL, &outcomes[i]), 0);
        until_done(pipeline);
    }
    assert_string_equal(outcomes[0].text[0], "7");
    assert_string_equal(outcomes[2].text[0], "x7");
    assert_true(pipeline->sends_text && !pipeline->is_pooled);
    assert_int_equal(query(pipeline, 2, NULL, NULL, &outcomes[0]), 0);
    until_done(pipeline);
    assert_false(outcomes[0].failed);
    db_pipeline_free(pipeline);
}

/* In a shared session the settings hold for our queries, a failed one's neighbours too, and for nobody else's. */
static void test_pooled_settings_hold_for_each_turn_alone(void **state)
{
    struct db_pipeline *pipeline = make(*state, statements, STATEMENT_COUNT, 100);
    struct outcome failing = {.replies = 0};
    struct outcome slow = {.replies = 0};
    struct outcome settings[3] = {{.columns = 3}, {.columns = 3}, {.columns = 3}};
    until_connected(pipeline);
    assert_int_equal(query(pipeline, RESET, NULL, NULL, &failing), 0);
    until_done(pipeline);
    pipeline->is_pooled = true;
    assert_int_equal(query(pipeline, SETTINGS, NULL, NULL, &settings[0]), 0);
    assert_int_equal(query(pipeline, DIVIDE, "0", NULL, &failing), 0);
    assert_int_equal(query(pipeline, SETTINGS, NULL, NULL, &settings[1]), 0);
    assert_int_equal(query(pipeline, SLEEP, "30", NULL, &slow), 0);
    until_done(pipeline);
    assert_string_equal(failing.err.sqlstate, "22012");
    assert_string_equal(slow.err.sqlstate, "57014");
    pipeline->is_pooled = false;
    assert_int_equal(query(pipeline, SETTINGS, NULL, NULL, &settings[2]), 0);
    until_done(pipeline);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(settings[i].replies, 1);
        assert_string_equal(settings[i].text[1], i < 2 ? "500ms" : "0");
    }
    db_pipeline_free(pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forgotten_statements_are_sent_as_text),
        cmocka_unit_test(test_existing_statements_are_sent_as_text),
        cmocka_unit_test(test_changed_column_type_is_no_error),
        cmocka_unit_test(test_pooled_settings_hold_for_each_turn_alone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
