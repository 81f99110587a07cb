/* A file that is one JSON object of entries, kept by several processes at once: read whole, looked up by the folded
 * form of the names, written whole and atomically after each change. What it does not understand it keeps as it was
 * written. Not here: what an entry says (cache.h). */
#ifndef GEOCODE_STORE_H
#define GEOCODE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/json.h"

#define STORE_BYTES_MAX ((size_t) 64 * 1024 * 1024)

struct store_entry {
    struct json_span name; /* with its quotes */
    struct json_span value;
    size_t key_at; /* in `keys` */
    size_t key_length;
    char *owned;     /* the memory of name and value, where they are not in the file's text */
    bool is_unsaved; /* added here, and not yet in the file */
};

/* Starts as STORE_EMPTY. */
struct store {
    struct buffer path;
    struct buffer text; /* the file as it was read; entries point into it */
    struct buffer keys; /* folded names, one behind the other */
    struct store_entry *entries;
    size_t count;
    size_t capacity;
    size_t *slots; /* open addressing: an entry's index + 1; 0 is free */
    size_t slot_count;
    struct stat seen; /* the file that was read or written last; st_ino 0: none */
    bool is_corrupt;  /* the last store_refresh() failed because of what stands in the file */
    bool is_closed;   /* the file is not to be read or written: it cannot be, or what it holds is not ours to lose */
};
#define STORE_EMPTY                                                                                                    \
    {                                                                                                                  \
        .path = BUFFER_EMPTY, .text = BUFFER_EMPTY, .keys = BUFFER_EMPTY                                               \
    }
void store_done(struct store *store);

/* Reads the file again if it is another one than was seen last; entries that could not be saved stay. A missing or
 * empty file has no entries. -ERR_CONFIG: it cannot be read or is no such object; what was known stays known. */
int store_refresh(struct store *store, struct err *err);

/* Moves a corrupt file aside, to `<path>.corrupt-<UTC>`, whose name is appended to `moved`. -ERR_CONFIG. */
int store_move_aside(struct store *store, struct buffer *moved, struct err *err);

/* The last entry whose name folds to the key, or NULL. Valid until the store changes. */
const struct store_entry *store_find(const struct store *store, const char *key, size_t key_length);

/* Adds an entry, or takes the place of the one that has the key; name and value are JSON. -ERR_INTERNAL. */
int store_put(struct store *store, const char *key, size_t key_length, struct json_span name, struct json_span value,
              struct err *err);

/* Writes all entries to a file beside it, syncs that, and puts it in the place of the old one, with the old one's mode
 * and, where allowed, owner. -ERR_CONFIG: the old file stays. To be called when nobody else writes. */
int store_write(struct store *store, struct err *err);

#endif
