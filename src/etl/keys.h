/* The keys seen in a run, name and postal code, each with the record that counts for it. Exact: no key is ever taken
 * for another. Pure. Not here: which of several records counts (etl.c). */
#ifndef ETL_KEYS_H
#define ETL_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/commune.h"

#define KEYS_BYTES_MAX ((size_t) 1 << 30) /* of the keys' own text */

struct keys_entry {
    uint64_t hash;
    size_t text; /* where the key stands in the text, plus 1; 0: a free entry */
    size_t length;
    uint64_t record;
};

/* Zeroed at first; release with keys_done(). */
struct keys {
    struct keys_entry *entries; /* open addressing, a power of two */
    size_t capacity;
    size_t count;
    struct buffer text;
};

void keys_done(struct keys *keys);

/* Finds a key, adding it with record 0 if it is new. *record points to its record number, valid until the next call.
 * -ERR_ETL past KEYS_BYTES_MAX, -ERR_INTERNAL without memory. */
int keys_record(struct keys *keys, uint64_t **record, const char *name, size_t name_length, const char *postal_code,
                struct err *err);

#endif
