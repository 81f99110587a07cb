/* Goal: the shared page is shared, and its histogram tells the truth about durations.
 * Not here: who writes what (supervise, api). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "digitalism/scoreboard.h"

static void test_a_child_writes_what_the_parent_reads(void **state)
{
    (void) state;
    struct scoreboard *scoreboard;
    struct err err;
    assert_int_equal(scoreboard_new(&scoreboard, 3, &err), 0);
    pid_t pid = fork();
    if (pid == 0) {
        scoreboard_count(&scoreboard->slots[1], 5);
        scoreboard_count(&scoreboard->slots[2], 5);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(scoreboard_requests(scoreboard), 2);
    assert_int_equal(scoreboard->slots[0].requests, 0);
    scoreboard_free(scoreboard);
}

static void test_buckets_have_their_bounds(void **state)
{
    (void) state;
    struct scoreboard_slot slot = {.pid = 0};
    scoreboard_count(&slot, 0);         /* less than 1 */
    scoreboard_count(&slot, 1);         /* less than 2 */
    scoreboard_count(&slot, 1023);      /* less than 1024 */
    scoreboard_count(&slot, 1024);      /* less than 2048 */
    scoreboard_count(&slot, INT64_MAX); /* the rest */
    assert_int_equal(slot.durations[0], 1);
    assert_int_equal(slot.durations[1], 1);
    assert_int_equal(slot.durations[10], 1);
    assert_int_equal(slot.durations[11], 1);
    assert_int_equal(slot.durations[SCOREBOARD_BUCKETS - 1], 1);
}

static void test_quantiles(void **state)
{
    (void) state;
    uint64_t durations[SCOREBOARD_BUCKETS] = {0};
    assert_int_equal(scoreboard_quantile_us(durations, 0.5), 0);
    durations[7] = 98;
    durations[15] = 2;
    assert_int_equal(scoreboard_quantile_us(durations, 0.5), 128);
    assert_int_equal(scoreboard_quantile_us(durations, 0.98), 128);
    assert_int_equal(scoreboard_quantile_us(durations, 0.99), 32768);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_writes_what_the_parent_reads),
        cmocka_unit_test(test_buckets_have_their_bounds),
        cmocka_unit_test(test_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
