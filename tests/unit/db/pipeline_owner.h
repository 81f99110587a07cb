/* An owner of a pipeline, as a worker's loop is one: watches the descriptor, keeps what became of each query.
 * Not here: any test; the private server itself (server.h). */
#ifndef DIGITALISM_TEST_PIPELINE_OWNER_H
#define DIGITALISM_TEST_PIPELINE_OWNER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>

#include "db/pipeline.h"
#include "digitalism/base/clock.h"
#include "server.h"

enum { ECHO, DIVIDE, SLEEP, MANY, TERMINATE, SETTINGS, BACKEND, FORGET, RESET, STATEMENT_COUNT, LIMIT_MS = 60000 };

static const struct db_statement statements[STATEMENT_COUNT] = {
    [ECHO] = {"SELECT $1::text, $2::text", 2},
    [DIVIDE] = {"SELECT 12 / $1::int", 1},
    [SLEEP] = {"SELECT pg_sleep($1::float8)", 1},
    [MANY] = {"SELECT repeat('x', 1000) FROM generate_series(1, $1::int)", 1},
    [TERMINATE] = {"SELECT pg_terminate_backend(pg_backend_pid())", 0},
    [SETTINGS] = {"SELECT current_setting('TimeZone'), current_setting('statement_timeout'), 0.1::float8 + 0.2", 0},
    [BACKEND] = {"SELECT pg_backend_pid()", 0},
    [FORGET] = {"DEALLOCATE ALL", 0},
    [RESET] = {"RESET ALL", 0},
};

struct fixture {
    struct server server;
    struct db_target *target;
};

/* What became of one query. */
struct outcome {
    unsigned replies;
    int columns; /* how many to keep; 0: one */
    size_t rows;
    char text[3][64];
    bool null[3];
    bool failed;
    struct err err;
    unsigned *order; /* counts replies over all outcomes */
    unsigned place;
};

static inline void keep(void *argument, const struct db_result *rows, const struct err *err)
{
    struct outcome *outcome = argument;
    outcome->replies += 1;
    outcome->place = outcome->order == NULL ? 0 : (*outcome->order)++;
    outcome->failed = rows == NULL;
    if (rows == NULL) {
        outcome->err = *err;
        return;
    }
    assert_null(err);
    outcome->rows = db_result_rows(rows);
    for (int i = 0; i < (outcome->columns == 0 ? 1 : outcome->columns); i++) {
        outcome->null[i] = db_result_null(rows, 0, i);
        (void) snprintf(outcome->text[i], sizeof(outcome->text[i]), "%s", db_result_text(rows, 0, i));
    }
}

static inline struct db_pipeline *make_with_timeout(const struct fixture *fixture, const struct db_statement *table,
                                                    size_t count, size_t queue_max, int64_t statement_timeout_ms)
{
    struct db_pipeline_options options = {.target = fixture->target,
                                          .application_name = "test_pipeline",
                                          .statements = table,
                                          .statement_count = count,
                                          .statement_timeout_ms = statement_timeout_ms,
                                          .connect_timeout_ms = 2000,
                                          .queue_max = queue_max};
    struct db_pipeline *pipeline = NULL;
    assert_int_equal(db_pipeline_new(&pipeline, &options, NULL), 0);
    return pipeline;
}

static inline struct db_pipeline *make(const struct fixture *fixture, const struct db_statement *table, size_t count,
                                       size_t queue_max)
{
    return make_with_timeout(fixture, table, count, queue_max, 500);
}

/* The waiting of an owner's loop: input or a deadline, so that a test sees a loss before the next attempt begins. */
static inline void wait_once(struct db_pipeline *pipeline)
{
    int wants = db_pipeline_wants(pipeline);
    struct pollfd fd = {.fd = db_pipeline_fd(pipeline),
                        .events = (short) (((wants & DB_WANTS_READ) != 0 ? POLLIN : 0) |
                                           ((wants & DB_WANTS_WRITE) != 0 ? POLLOUT : 0))};
    int64_t deadline_ms = clock_earlier(db_pipeline_deadline_ms(pipeline), clock_now_ms() + 100);
    int count = poll(&fd, 1, clock_poll_timeout(deadline_ms));
    if (count > 0) {
        int events = ((fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0 ? DB_WANTS_READ : 0) |
                     ((fd.revents & (POLLOUT | POLLERR)) != 0 ? DB_WANTS_WRITE : 0);
        db_pipeline_ready(pipeline, events);
    } else if (clock_now_ms() >= db_pipeline_deadline_ms(pipeline)) {
        db_pipeline_tick(pipeline);
    }
}

static inline void turn(struct db_pipeline *pipeline)
{
    db_pipeline_flush(pipeline);
    wait_once(pipeline);
}

static inline void until_connected(struct db_pipeline *pipeline)
{
    int64_t limit_ms = clock_now_ms() + LIMIT_MS;
    while (!db_pipeline_connected(pipeline)) {
        assert_true(clock_now_ms() < limit_ms);
        turn(pipeline);
    }
}

static inline void until_lost(struct db_pipeline *pipeline)
{
    int64_t limit_ms = clock_now_ms() + LIMIT_MS;
    while (db_pipeline_connected(pipeline)) {
        assert_true(clock_now_ms() < limit_ms);
        db_pipeline_flush(pipeline);
        if (db_pipeline_connected(pipeline)) {
            wait_once(pipeline);
        }
    }
}

static inline void until_done(struct db_pipeline *pipeline)
{
    int64_t limit_ms = clock_now_ms() + LIMIT_MS;
    while (db_pipeline_depth(pipeline) > 0) {
        assert_true(clock_now_ms() < limit_ms);
        turn(pipeline);
    }
}

static inline int query(struct db_pipeline *pipeline, size_t statement, const char *first, const char *second,
                        struct outcome *outcome)
{
    const char *values[] = {first, second};
    return db_pipeline_query(pipeline, statement, values, keep, outcome, NULL);
}

static inline int set_up(void **state)
{
    static struct fixture fixture;
    char url[128];
    server_new(&fixture.server);
    (void) snprintf(url, sizeof(url), "postgresql://tester@/postgres?host=%s", fixture.server.directory);
    assert_int_equal(db_target_new(&fixture.target, url, NULL, NULL, NULL), 0);
    struct db_pipeline *pipeline = make(&fixture, statements, 0, 1);
    until_connected(pipeline);
    db_pipeline_free(pipeline);
    *state = &fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    db_target_free(fixture->target);
    server_free(&fixture->server);
    return 0;
}

#endif
