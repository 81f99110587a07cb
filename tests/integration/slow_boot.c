/* A library to be preloaded: makes the first step of a worker's boot, the making of its event loop, slow, hung, put
 * off while a file is there, or failing. Not here: anything that the program itself does not go through on its way. */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void burn(double seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double end = (double) now.tv_sec + (double) now.tv_nsec / 1e9 + seconds;
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double) now.tv_sec + (double) now.tv_nsec / 1e9 < end);
}

/* What libuv's function of this name says when there is no memory. */
int uv_loop_init(void *loop);
int uv_loop_init(void *loop)
{
    const char *how = getenv("SLOW_BOOT");
    if (how != NULL && strncmp(how, "burn:", 5) == 0) {
        burn(atof(how + 5));
    } else if (how != NULL && strcmp(how, "hang") == 0) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGABRT);
        sigprocmask(SIG_BLOCK, &set, NULL);
        for (;;) {
            pause();
        }
    }
    if (how != NULL && strncmp(how, "while:", 6) == 0) {
        while (access(how + 6, F_OK) == 0) {
            usleep(10000);
        }
        int (*real)(void *) = (int (*)(void *)) dlsym(RTLD_NEXT, "uv_loop_init");
        return real(loop);
    }
    return -12; /* UV_ENOMEM: having been slow it fails, which the test tells from being killed */
}
