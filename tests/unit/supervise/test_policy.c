/* Goal: what the supervisor decides, without any process: signals, crash loops, exit codes of stages.
 * Not here: that it acts on its decisions (tests/integration/test_supervise.py). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervise/policy.h"

/* The wait(2) status of an exit and of a death by signal, as Linux lays them out. */
#define EXITED(code)      ((code) << 8)
#define SIGNALLED(number) (number)

static void test_stop_signals(void **state)
{
    (void) state;
    assert_int_equal(policy_signal(SIGTERM, false), POLICY_STOP);
    assert_int_equal(policy_signal(SIGTERM, true), POLICY_STOP); /* changes no deadline: the loop keeps the first */
    assert_int_equal(policy_signal(SIGINT, false), POLICY_STOP);
    assert_int_equal(policy_signal(SIGINT, true), POLICY_STOP_NOW);
    assert_int_equal(policy_signal(SIGQUIT, true), POLICY_STOP_NOW);
}

static void test_every_other_signal_is_harmless(void **state)
{
    (void) state;
    for (int number = 1; number < NSIG; number++) {
        if (number != SIGTERM && number != SIGINT && number != SIGQUIT && number != SIGCHLD) {
            enum policy_action action = policy_signal(number, true);
            assert_true(action == POLICY_IGNORE || action == POLICY_CONTINUE);
        }
    }
    assert_int_equal(policy_signal(SIGCHLD, false), POLICY_REAP);
}

static void test_fifth_crash_in_the_window_is_a_loop(void **state)
{
    (void) state;
    struct policy_crashes crashes = {.count = 0};
    for (int i = 0; i < POLICY_CRASHES_MAX - 1; i++) {
        assert_false(policy_crash_loop(&crashes, 1000 * i));
    }
    assert_true(policy_crash_loop(&crashes, POLICY_CRASH_WINDOW_MS - 1));
}

static void test_crashes_outside_the_window_are_forgotten(void **state)
{
    (void) state;
    struct policy_crashes crashes = {.count = 0};
    /* One every 15 s: five of them span exactly the window, which is too long for a loop. */
    for (int i = 0; i < 100; i++) {
        assert_false(policy_crash_loop(&crashes, (int64_t) 15000 * i));
    }
    /* One more between two of them makes five within 45 s. */
    assert_true(policy_crash_loop(&crashes, 15000 * 99 + 1));
}

static void test_exit_code_of_a_stage(void **state)
{
    (void) state;
    assert_int_equal(policy_stage_exit_code(EXITED(0), 0, 5), 0);
    assert_int_equal(policy_stage_exit_code(EXITED(0), SIGTERM, 5), 0); /* it was done before the stop */
    assert_int_equal(policy_stage_exit_code(EXITED(3), 0, 5), 3);
    assert_int_equal(policy_stage_exit_code(EXITED(143), SIGTERM, 5), 143);
    assert_int_equal(policy_stage_exit_code(SIGNALLED(SIGINT), SIGINT, 5), 130);
    assert_int_equal(policy_stage_exit_code(SIGNALLED(SIGKILL), SIGTERM, 5), 143);
    assert_int_equal(policy_stage_exit_code(SIGNALLED(SIGSEGV), 0, 5), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop_signals),
        cmocka_unit_test(test_every_other_signal_is_harmless),
        cmocka_unit_test(test_fifth_crash_in_the_window_is_a_loop),
        cmocka_unit_test(test_crashes_outside_the_window_are_forgotten),
        cmocka_unit_test(test_exit_code_of_a_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
