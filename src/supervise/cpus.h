/* The CPUs that the cgroups and the affinity of this process leave it, read beneath a directory that stands for /.
 * Not here: how many workers that makes (main). */
#ifndef SUPERVISE_CPUS_H
#define SUPERVISE_CPUS_H

#include <stddef.h>

/* The smallest CPU quota of this process's cgroup and its ancestors (v1 and v2), as whole CPUs, rounded up; never more
 * than `affinity` and never less than 1. `root` is "" for the real file system. A file that is missing or not
 * understood sets no limit.
 *
 * Rounded up: the share of a CPU that flooring would leave idle is paid for, and a worker too many is merely throttled
 * while all of them are busy at once. */
size_t cpus_usable(const char *root, size_t affinity);

#endif
