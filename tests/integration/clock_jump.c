/* A library to be preloaded: sets the wall clock an hour ahead once the file $CLOCK_JUMP exists, for the program alone.
 * Not here: the monotonic clock, which nobody can set. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) {
        real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    }
    int result = real(clock, now);
    const char *path = getenv("CLOCK_JUMP");
    if (result == 0 && clock == CLOCK_REALTIME && path != NULL && access(path, F_OK) == 0) {
        now->tv_sec += 3600;
    }
    return result;
}
