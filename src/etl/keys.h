/* The keys seen in a run, name and postal code, each with the record that counts for it. Exact: no key is ever taken
 * for another. For as many as fit into KEYS_MAX; more are PostgreSQL's to sort (spill.h). Pure.
 * Not here: which of several records counts (choice.h). */
#ifndef ETL_KEYS_H
#define ETL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/commune.h"

#define KEYS_MAX            98304 /* three quarters of the entries */
#define KEYS_TEXT_BYTES_MAX ((size_t) 3 << 20)
#define KEYS_OTHER_BYTES    (COMMUNE_POSTAL_CODE_SIZE - 1 + 2) /* of a key's text beside its name */

struct keys_entry {
    uint32_t text; /* where the key stands in the text, plus 1; 0: a free entry */
    uint32_t hash; /* the low half of its hash */
    uint32_t record;
};

/* Zeroed at first; release with keys_done(). */
struct keys {
    struct keys_entry *entries; /* open addressing, a power of two */
    size_t capacity;
    size_t count;
    struct buffer text; /* each key behind its length, two bytes */
};

void keys_done(struct keys *keys);

/* The hash of a key: the same on every machine, and in every version that goes on with another one's loads. */
uint64_t keys_hash(const char *postal_code, const char *name, size_t name_length);

/* Finds a key, adding it with record 0 if it is new. *record points to its record number, valid until the next call.
 * False when it is new and does not fit any more, or memory is short. */
bool keys_record(struct keys *keys, uint32_t **record, const char *name, size_t name_length, const char *postal_code);

#endif
