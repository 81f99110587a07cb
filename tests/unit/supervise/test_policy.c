/* Goal: what the supervisor decides, without any process: signals, the state × event table, crash loops, memory,
 * request limits, exit codes of stages.
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
    assert_int_equal(policy_signal(SIGTERM, false), POLICY_SIGNAL_STOP);
    assert_int_equal(policy_signal(SIGTERM, true), POLICY_SIGNAL_STOP); /* the loop keeps the first one's deadline */
    assert_int_equal(policy_signal(SIGINT, false), POLICY_SIGNAL_STOP);
    assert_int_equal(policy_signal(SIGINT, true), POLICY_SIGNAL_KILL);
    assert_int_equal(policy_signal(SIGQUIT, false), POLICY_SIGNAL_STOP);
    assert_int_equal(policy_signal(SIGQUIT, true), POLICY_SIGNAL_KILL);
}

static void test_every_other_signal_is_documented_or_harmless(void **state)
{
    (void) state;
    static const struct {
        int number;
        enum policy_signal meaning;
    } meanings[] = {
        {SIGHUP, POLICY_SIGNAL_RELOAD},    {SIGUSR1, POLICY_SIGNAL_REOPEN_LOG}, {SIGTTIN, POLICY_SIGNAL_MORE},
        {SIGTTOU, POLICY_SIGNAL_FEWER},    {SIGCHLD, POLICY_SIGNAL_REAP},       {SIGCONT, POLICY_SIGNAL_NOTHING},
        {SIGWINCH, POLICY_SIGNAL_NOTHING}, {SIGPIPE, POLICY_SIGNAL_NOTHING},    {SIGTERM, POLICY_SIGNAL_STOP},
        {SIGINT, POLICY_SIGNAL_KILL},      {SIGQUIT, POLICY_SIGNAL_KILL},
    };
    enum policy_signal expected[NSIG] = {POLICY_SIGNAL_UNKNOWN};
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        expected[meanings[i].number] = meanings[i].meaning;
    }
    for (int number = 1; number < NSIG; number++) {
        assert_int_equal(policy_signal(number, true), expected[number]);
    }
}

static void assert_step(enum scoreboard_state from, enum policy_event event, enum scoreboard_state to,
                        enum policy_work work)
{
    struct policy_step step = policy_step(from, event);
    assert_int_equal(step.next, to);
    assert_int_equal(step.work, work);
}

static void test_a_whole_life(void **state)
{
    (void) state;
    assert_step(SCOREBOARD_STOPPED, POLICY_START, SCOREBOARD_STARTING, POLICY_WORK_FORK);
    assert_step(SCOREBOARD_STARTING, POLICY_FORKED, SCOREBOARD_BOOTING, POLICY_WORK_BOOT);
    assert_step(SCOREBOARD_BOOTING, POLICY_READY, SCOREBOARD_READY, POLICY_WORK_WELCOME);
    assert_step(SCOREBOARD_READY, POLICY_STOP, SCOREBOARD_DRAINING, POLICY_WORK_TERM);
    assert_step(SCOREBOARD_DRAINING, POLICY_EXIT, SCOREBOARD_STOPPED, POLICY_WORK_GONE);
}

static void test_what_goes_wrong(void **state)
{
    (void) state;
    assert_step(SCOREBOARD_STARTING, POLICY_UNFORKED, SCOREBOARD_BACKOFF, POLICY_WORK_RETRY);
    assert_step(SCOREBOARD_BACKOFF, POLICY_LATE, SCOREBOARD_STARTING, POLICY_WORK_FORK);
    assert_step(SCOREBOARD_BOOTING, POLICY_LATE, SCOREBOARD_KILLED, POLICY_WORK_ABORT);
    assert_step(SCOREBOARD_KILLED, POLICY_LATE, SCOREBOARD_KILLED, POLICY_WORK_KILL);
    assert_step(SCOREBOARD_READY, POLICY_LATE, SCOREBOARD_KILLED, POLICY_WORK_KILL);
    assert_step(SCOREBOARD_DRAINING, POLICY_LATE, SCOREBOARD_KILLED, POLICY_WORK_KILL);
    assert_step(SCOREBOARD_BACKOFF, POLICY_STOP, SCOREBOARD_STARTING, POLICY_WORK_FORK);
    assert_step(SCOREBOARD_READY, POLICY_EXIT, SCOREBOARD_BACKOFF, POLICY_WORK_ENDED);
    assert_step(SCOREBOARD_BOOTING, POLICY_EXIT, SCOREBOARD_BACKOFF, POLICY_WORK_ENDED);
    assert_step(SCOREBOARD_READY, POLICY_OVER_MEMORY, SCOREBOARD_READY, POLICY_WORK_REPLACE);
}

/* A worker that drains can be hurried, but nothing makes it serve again; one that is dead needs no more killing. */
static void test_no_way_back(void **state)
{
    (void) state;
    for (enum policy_event event = 0; event < POLICY_EVENT_COUNT; event++) {
        enum scoreboard_state next = policy_step(SCOREBOARD_DRAINING, event).next;
        assert_true(next == SCOREBOARD_DRAINING || next == SCOREBOARD_KILLED || next == SCOREBOARD_STOPPED);
        next = policy_step(SCOREBOARD_STOPPED, event).next;
        assert_true(next == SCOREBOARD_STOPPED || (event == POLICY_START && next == SCOREBOARD_STARTING));
    }
}

/* Whatever state a worker is in, a stop ends it or finds it ended, and its exit is always taken notice of. */
static void test_every_state_hears_stop_kill_and_exit(void **state)
{
    (void) state;
    for (enum scoreboard_state from = 0; from < SCOREBOARD_STATE_COUNT; from++) {
        bool has_process = from == SCOREBOARD_BOOTING || from == SCOREBOARD_READY || from == SCOREBOARD_DRAINING ||
                           from == SCOREBOARD_KILLED;
        enum policy_work on_kill = policy_step(from, POLICY_KILL).work;
        enum policy_work on_exit = policy_step(from, POLICY_EXIT).work;
        assert_int_equal(on_kill == POLICY_WORK_KILL, has_process);
        assert_int_equal(on_exit == POLICY_WORK_ENDED || on_exit == POLICY_WORK_GONE, has_process);
        if (from == SCOREBOARD_BOOTING || from == SCOREBOARD_READY) {
            assert_int_equal(policy_step(from, POLICY_STOP).work, POLICY_WORK_TERM);
        }
        assert_int_not_equal(policy_step(from, POLICY_STOP).next, SCOREBOARD_READY);
    }
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

static void test_memory_must_be_over_three_times_in_a_row(void **state)
{
    (void) state;
    unsigned samples = 0;
    assert_false(policy_over_memory(&samples, 101, 100));
    assert_false(policy_over_memory(&samples, 101, 100));
    assert_false(policy_over_memory(&samples, 100, 100)); /* the limit itself is allowed, and forgets the two */
    assert_false(policy_over_memory(&samples, 101, 100));
    assert_false(policy_over_memory(&samples, 101, 100));
    assert_true(policy_over_memory(&samples, 101, 100));
    assert_false(policy_over_memory(&samples, 101, 100)); /* counted anew */
    assert_false(policy_over_memory(&samples, UINT64_MAX, 0));
}

static void test_request_limits_are_spread(void **state)
{
    (void) state;
    assert_int_equal(policy_requests_max(0, 12345), 0);
    assert_int_equal(policy_requests_max(1, UINT32_MAX), 1);
    assert_int_equal(policy_requests_max(1000, 0), 900);
    assert_int_equal(policy_requests_max(1000, 200), 1100);
    for (uint32_t random = 0; random < 100000; random += 7) {
        uint64_t limit = policy_requests_max(1000, random);
        assert_true(limit >= 900 && limit <= 1100);
    }
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
        cmocka_unit_test(test_every_other_signal_is_documented_or_harmless),
        cmocka_unit_test(test_a_whole_life),
        cmocka_unit_test(test_what_goes_wrong),
        cmocka_unit_test(test_no_way_back),
        cmocka_unit_test(test_every_state_hears_stop_kill_and_exit),
        cmocka_unit_test(test_fifth_crash_in_the_window_is_a_loop),
        cmocka_unit_test(test_crashes_outside_the_window_are_forgotten),
        cmocka_unit_test(test_memory_must_be_over_three_times_in_a_row),
        cmocka_unit_test(test_request_limits_are_spread),
        cmocka_unit_test(test_exit_code_of_a_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
