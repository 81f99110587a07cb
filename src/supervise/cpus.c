/* How many CPUs this process may use: sched_getaffinity(2), cgroups(7) v1 and v2, proc_pid_mountinfo(5).
 * Not here: how many workers that makes (main). */
#include "supervise/cpus.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/file.h"
#include "digitalism/supervise.h"

#define PROC_BYTES_MAX  ((size_t) 1024 * 1024) /* a host's mount table may be long */
#define QUOTA_BYTES_MAX ((size_t) 128)
#define CPUS_MAX        ((size_t) 1 << 16) /* far beyond what the kernel can be built for */
#define NO_LIMIT        SIZE_MAX

/* Where this process is in one hierarchy, and what is mounted of it. */
struct hierarchy {
    bool unified;      /* v2 */
    const char *path;  /* of /proc/self/cgroup; NULL: not a member */
    const char *mount; /* the first mount point that does not show our path, or NULL */
    bool is_found;     /* a mount shows our path */
    size_t limit;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Whether a list such as `cpu,cpuacct` has the word. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',' ? 1 : 0;
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Reads a decimal number and the blank or newline behind it. */
static bool read_number(const char **cursor, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(*cursor, &end, 10);
    if (end == *cursor || errno != 0 || (*end != ' ' && *end != '\n' && *end != '\0')) {
        return false;
    }
    *out = number;
    *cursor = *end == '\0' ? end : end + 1;
    return true;
}

/* Reads a file of the directory named by `path`; the name is taken off again. */
static bool read_beside(struct buffer *path, const char *name, struct buffer *out)
{
    size_t length = path->length;
    buffer_append_format(path, "/%s", name);
    buffer_clear(out);
    bool is_read = !buffer_failed(path) && file_read(out, buffer_text(path), QUOTA_BYTES_MAX, NULL) == 0;
    if (path->length > length) {
        path->length = length;
        path->data[length] = '\0';
    }
    return is_read && memchr(buffer_text(out), '\0', out->length) == NULL;
}

/* The limit that one cgroup sets by itself. v2: `cpu.max` is "QUOTA PERIOD" or "max PERIOD"; v1: a file each, and a
 * quota of -1 for none. */
static size_t limit_of_directory(struct buffer *path, bool unified)
{
    BUFFER_AUTO text = BUFFER_EMPTY;
    int64_t quota = 0;
    int64_t period = 0;
    if (!read_beside(path, unified ? "cpu.max" : "cpu.cfs_quota_us", &text)) {
        return NO_LIMIT;
    }
    const char *cursor = buffer_text(&text);
    if (!read_number(&cursor, &quota)) {
        return NO_LIMIT;
    }
    if (!unified) {
        if (!read_beside(path, "cpu.cfs_period_us", &text)) {
            return NO_LIMIT;
        }
        cursor = buffer_text(&text);
    }
    if (!read_number(&cursor, &period) || quota <= 0 || period <= 0) {
        return NO_LIMIT;
    }
    return (size_t) (quota / period + (quota % period != 0 ? 1 : 0));
}

/* The smallest limit from `below` (as "/a/b" or "") up to the mount point itself. */
static size_t limit_of_branch(const char *root, const char *mount, const char *below, bool unified)
{
    BUFFER_AUTO path = BUFFER_EMPTY;
    buffer_append_format(&path, "%s%s", root, mount);
    size_t top = path.length;
    buffer_append_text(&path, below);
    size_t limit = NO_LIMIT;
    while (!buffer_failed(&path)) {
        limit = smaller(limit, limit_of_directory(&path, unified));
        char *slash = path.length > top ? memrchr(path.data + top, '/', path.length - top) : NULL;
        if (slash == NULL) {
            break;
        }
        path.length = (size_t) (slash - path.data);
        *slash = '\0';
    }
    return limit;
}

/* The part of `path` below the cgroup that a mount shows, or NULL when it is not below it. */
static const char *path_below(const char *path, const char *mounted)
{
    size_t length = strcmp(mounted, "/") == 0 ? 0 : strlen(mounted);
    if (strncmp(path, mounted, length) != 0 || (path[length] != '/' && path[length] != '\0') ||
        strstr(path, "/..") != NULL) {
        return NULL;
    }
    return strcmp(path + length, "/") == 0 ? "" : path + length;
}

/* mountinfo writes blanks and backslashes as three octal digits. */
static void unescape(char *text)
{
    char *out = text;
    for (; *text != '\0'; text++) {
        bool is_octal = text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' && text[2] <= '7' &&
                        text[3] >= '0' && text[3] <= '7';
        if (is_octal) {
            *out++ = (char) ((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
            text += 3;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
}

/* `36 35 98:0 /mounted /point rw,noatime shared:1 - cgroup cgroup rw,cpu` */
static void read_mount(char *line, const char *root, struct hierarchy *unified, struct hierarchy *legacy)
{
    char *type = strstr(line, " - ");
    char *fields[5] = {NULL};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        fields[i] = strsep(&line, " ");
    }
    if (type == NULL || fields[4] == NULL || fields[4] > type) {
        return;
    }
    type += strlen(" - ");
    char *name = strsep(&type, " ");
    char *source = strsep(&type, " ");
    bool is_legacy = strcmp(name, "cgroup") == 0 && source != NULL && type != NULL && has_word(type, "cpu");
    struct hierarchy *hierarchy = strcmp(name, "cgroup2") == 0 ? unified : is_legacy ? legacy : NULL;
    if (hierarchy == NULL || hierarchy->path == NULL) {
        return;
    }
    unescape(fields[3]);
    unescape(fields[4]);
    const char *below = path_below(hierarchy->path, fields[3]);
    if (below != NULL) {
        hierarchy->is_found = true;
        hierarchy->limit = smaller(hierarchy->limit, limit_of_branch(root, fields[4], below, hierarchy == unified));
    } else if (hierarchy->mount == NULL) {
        hierarchy->mount = fields[4];
    }
}

/* `4:cpu,cpuacct:/path`, or `0::/path` for v2 */
static void read_membership(char *line, struct hierarchy *unified, struct hierarchy *legacy)
{
    const char *number = strsep(&line, ":");
    const char *controllers = line == NULL ? NULL : strsep(&line, ":");
    if (line == NULL || line[0] != '/') {
        return;
    }
    if (strcmp(number, "0") == 0 && controllers[0] == '\0') {
        unified->path = line;
    } else if (has_word(controllers, "cpu")) {
        legacy->path = line;
    }
}

static bool read_proc(const char *root, const char *name, struct buffer *out)
{
    BUFFER_AUTO path = BUFFER_EMPTY;
    buffer_append_format(&path, "%s/proc/self/%s", root, name);
    return !buffer_failed(&path) && file_read(out, buffer_text(&path), PROC_BYTES_MAX, NULL) == 0 && out->length > 0;
}

size_t cpus_usable(const char *root, size_t affinity)
{
    BUFFER_AUTO groups = BUFFER_EMPTY;
    BUFFER_AUTO mounts = BUFFER_EMPTY;
    struct hierarchy unified = {.unified = true, .limit = NO_LIMIT};
    struct hierarchy legacy = {.limit = NO_LIMIT};
    if (read_proc(root, "cgroup", &groups) && read_proc(root, "mountinfo", &mounts)) {
        char *rest = groups.data;
        while (rest != NULL) {
            read_membership(strsep(&rest, "\n"), &unified, &legacy);
        }
        rest = mounts.data;
        while (rest != NULL) {
            read_mount(strsep(&rest, "\n"), root, &unified, &legacy);
        }
    }
    size_t limit = affinity;
    const struct hierarchy *hierarchies[] = {&unified, &legacy};
    for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
        const struct hierarchy *hierarchy = hierarchies[i];
        limit = smaller(limit, hierarchy->limit);
        if (!hierarchy->is_found && hierarchy->mount != NULL) {
            /* A mount from outside of our cgroup namespace: what it shows at its top is the best that can be known. */
            limit = smaller(limit, limit_of_branch(root, hierarchy->mount, "", hierarchy->unified));
        }
    }
    return limit > 0 ? limit : 1;
}

size_t supervise_usable_cpus(void)
{
    /* The kernel refuses a set that is smaller than its own. */
    for (size_t count = CPU_SETSIZE; count <= CPUS_MAX; count *= 2) {
        cpu_set_t *set = CPU_ALLOC(count);
        if (set == NULL) {
            break;
        }
        int failure = sched_getaffinity(0, CPU_ALLOC_SIZE(count), set) == 0 ? 0 : errno;
        int usable = failure == 0 ? CPU_COUNT_S(CPU_ALLOC_SIZE(count), set) : 0;
        CPU_FREE(set);
        if (failure == 0) {
            return cpus_usable("", usable > 0 ? (size_t) usable : 1);
        }
        if (failure != EINVAL) {
            break;
        }
    }
    return 1;
}
