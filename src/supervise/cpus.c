/* How many CPUs this process may use.
 * Not here: how many workers that makes (main). */
#include <sched.h>

#include "digitalism/supervise.h"

size_t supervise_usable_cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) != 0) {
        return 1;
    }
    int count = CPU_COUNT(&set);
    return count > 0 ? (size_t) count : 1;
}
