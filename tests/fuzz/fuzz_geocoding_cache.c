/* A cache file of any bytes: no crash; what is taken stays the same when it is written and read again, with one entry
 * more.
 * Not here: what is expected of single files (tests/unit/geocode, test_geocode_cache.py). */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digitalism/base/file.h"
#include "geocode/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *path(void)
{
    static char text[64];
    if (text[0] == '\0') {
        (void) snprintf(text, sizeof(text), "/dev/shm/fuzz-cache-%d", (int) getpid());
    }
    return text;
}

static void check_same(const struct store *before, const struct store *after)
{
    assert(after->count == before->count);
    for (size_t i = 0; i < before->count; i++) {
        const struct store_entry *a = &before->entries[i];
        const struct store_entry *b = &after->entries[i];
        assert(a->name.length == b->name.length && memcmp(a->name.text, b->name.text, a->name.length) == 0);
        assert(a->value.length == b->value.length && memcmp(a->value.text, b->value.text, a->value.length) == 0);
        assert(store_find(after, buffer_text(&before->keys) + a->key_at, a->key_length) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store store = STORE_EMPTY;
    struct store again = STORE_EMPTY;
    struct err err;
    FILE_FD_AUTO fd = open(path(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert(fd >= 0 && write(fd, data, size) == (ssize_t) size);
    buffer_append_text(&store.path, path());
    buffer_append_text(&again.path, path());
    if (store_refresh(&store, &err) == 0) {
        const struct json_span name = {.text = "\"a_1\"", .length = 5};
        const struct json_span value = {.text = "{}", .length = 2};
        assert(store_put(&store, "a_1", 3, name, value, &err) == 0);
        assert(store_write(&store, &err) == 0);
        assert(store_refresh(&again, &err) == 0);
        check_same(&store, &again);
    } else {
        assert(err.message[0] != '\0' && store.count == 0);
    }
    store_done(&store);
    store_done(&again);
    (void) unlink(path());
    return 0;
}
