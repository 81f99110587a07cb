/* To be preloaded: a resolver that has lost its server. "lost.invalid" takes for ever, "here.invalid" is 127.0.0.1. */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *name, const char *service, const struct addrinfo *wanted, struct addrinfo **found);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *wanted, struct addrinfo **found)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");
    int is_name = name != NULL && (wanted == NULL || (wanted->ai_flags & AI_NUMERICHOST) == 0);
    if (is_name && strcmp(name, "lost.invalid") == 0) {
        for (;;) {
            (void) pause();
        }
    }
    return real(is_name && strcmp(name, "here.invalid") == 0 ? "127.0.0.1" : name, service, wanted, found);
}
