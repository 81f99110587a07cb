/* Loading libcurl by name at run time. Linked, its two dozen libraries would cost every process of the service their
 * relocations, half a megabyte and more, for something that one short stage uses.
 * Not here: using it. */
#include "fetch/library.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY_NAME "libcurl.so.4"

int fetch_library_load(struct fetch_library *out, struct err *err)
{
    struct fetch_library library;
    const struct {
        const char *name;
        void *place;
    } symbols[] = {
        {"curl_global_init", &library.global_init},
        {"curl_easy_init", &library.easy_init},
        {"curl_easy_setopt", &library.easy_setopt},
        {"curl_easy_getinfo", &library.easy_getinfo},
        {"curl_easy_strerror", &library.easy_strerror},
        {"curl_easy_cleanup", &library.easy_cleanup},
        {"curl_multi_init", &library.multi_init},
        {"curl_multi_add_handle", &library.multi_add_handle},
        {"curl_multi_remove_handle", &library.multi_remove_handle},
        {"curl_multi_perform", &library.multi_perform},
        {"curl_multi_poll", &library.multi_poll},
        {"curl_multi_info_read", &library.multi_info_read},
        {"curl_multi_strerror", &library.multi_strerror},
        {"curl_multi_cleanup", &library.multi_cleanup},
        {"curl_slist_append", &library.slist_append},
        {"curl_slist_free_all", &library.slist_free_all},
    };
    /* Never closed: the libraries behind it leave handlers for the end of the process. */
    void *handle = dlopen(LIBRARY_NAME, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        (void) err_set(err, ERR_CONFIG, "cannot load libcurl: %s", dlerror());
        err_hint(err, "install Debian's libcurl4t64 (libcurl4 before Debian 13)");
        return -(int) ERR_CONFIG;
    }
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (symbol == NULL) {
            return err_set(err, ERR_CONFIG, LIBRARY_NAME " has no %s", symbols[i].name);
        }
        /* ISO C knows no conversion between the two kinds of pointers; POSIX says that they are alike. */
        memcpy(symbols[i].place, &symbol, sizeof(symbol));
    }
    *out = library;
    return 0;
}
