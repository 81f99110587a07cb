/* Goal: the usable CPUs follow from the cgroup files of this process, as they look on hosts and in containers; each
 * tree under cgroups/ is one such machine. Not here: the kernel's files of this machine, but for one look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include "digitalism/supervise.h"
#include "supervise/cpus.h"

#define AFFINITY ((size_t) 6)

static size_t usable(const char *tree, size_t affinity)
{
    char root[PATH_MAX];
    (void) snprintf(root, sizeof(root), "%s/tests/unit/supervise/cgroups/%s", TEST_SOURCE_DIR, tree);
    return cpus_usable(root, affinity);
}

static void test_each_tree(void **state)
{
    (void) state;
    static const struct {
        const char *tree;
        size_t cpus;
    } cases[] = {
        {"v2_half", 1},
        {"v2_two", 2},
        {"v2_one_and_a_half", 2}, /* rounded up */
        {"v2_max", AFFINITY},
        {"v2_ancestor", 3}, /* the pod's, between a larger one and none; not its neighbour's */
        {"v2_own_is_smaller", 2},
        {"v2_no_namespace", 2},
        {"v2_outside_namespace", 3},
        {"v2_blank_in_path", 2},
        {"v1_unlimited", AFFINITY},
        {"v1_quota", 2},
        {"v1_ancestor", 3},
        {"hybrid", 2},
        {"malformed_quota", AFFINITY},
        {"malformed_mounts", AFFINITY},
        {"no_mounts", AFFINITY},
        {"no_such_tree", AFFINITY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t cpus = usable(cases[i].tree, AFFINITY);
        if (cpus != cases[i].cpus) {
            fail_msg("%s: %zu CPUs, not %zu", cases[i].tree, cpus, cases[i].cpus);
        }
    }
}

static void test_a_narrower_affinity_wins(void **state)
{
    (void) state;
    assert_int_equal(usable("v2_two", 1), 1);
    assert_int_equal(usable("v2_max", 3), 3);
    assert_int_equal(usable("v1_quota", 1), 1);
}

static void test_there_is_always_one(void **state)
{
    (void) state;
    assert_int_equal(usable("v2_max", 0), 1);
    assert_int_equal(usable("no_such_tree", 0), 1);
}

static void test_a_cpuset_narrows_the_real_machine(void **state)
{
    (void) state;
    cpu_set_t all;
    cpu_set_t one;
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    assert_in_range(supervise_usable_cpus(), 1, (uintmax_t) CPU_COUNT(&all));
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &all)) {
        cpu++;
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(supervise_usable_cpus(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_tree),
        cmocka_unit_test(test_a_narrower_affinity_wins),
        cmocka_unit_test(test_there_is_always_one),
        cmocka_unit_test(test_a_cpuset_narrows_the_real_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
