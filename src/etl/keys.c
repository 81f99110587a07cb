/* The hash table of keys: the texts stand one behind the other in one buffer, the entries point into it.
 * Not here: the rules of which record wins. */
#include "etl/keys.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 1024

void keys_done(struct keys *keys)
{
    free(keys->entries);
    buffer_done(&keys->text);
    *keys = (struct keys){.text = BUFFER_EMPTY};
}

/* FNV-1a, 64 bits, with a last mixing for the low bits that choose the entry. */
static uint64_t hash_of(const char *text, size_t length)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char) text[i]) * 0x100000001B3u;
    }
    return hash ^ (hash >> 32);
}

/* The key's entry, or the free one where it belongs. There is always a free one. */
static struct keys_entry *find(const struct keys *keys, uint64_t hash, const char *text, size_t length)
{
    size_t at = (size_t) hash & (keys->capacity - 1);
    for (;;) {
        struct keys_entry *entry = &keys->entries[at];
        if (entry->text == 0 || (entry->hash == hash && entry->length == length &&
                                 memcmp(keys->text.data + entry->text - 1, text, length) == 0)) {
            return entry;
        }
        at = (at + 1) & (keys->capacity - 1);
    }
}

static int grow(struct keys *keys)
{
    struct keys larger = {.capacity = keys->capacity == 0 ? CAPACITY_FIRST : keys->capacity * 2};
    larger.entries = calloc(larger.capacity, sizeof(*larger.entries));
    if (larger.entries == NULL) {
        return -1;
    }
    for (size_t i = 0; i < keys->capacity; i++) {
        if (keys->entries[i].text == 0) {
            continue;
        }
        size_t at = (size_t) keys->entries[i].hash & (larger.capacity - 1);
        while (larger.entries[at].text != 0) {
            at = (at + 1) & (larger.capacity - 1);
        }
        larger.entries[at] = keys->entries[i];
    }
    free(keys->entries);
    keys->entries = larger.entries;
    keys->capacity = larger.capacity;
    return 0;
}

int keys_record(struct keys *keys, uint64_t **record, const char *name, size_t name_length, const char *postal_code,
                struct err *err)
{
    if (keys->count >= keys->capacity / 4 * 3 && grow(keys) < 0) {
        return err_set(err, ERR_INTERNAL, "no memory for %zu keys", keys->capacity * 2);
    }
    /* Written behind the other texts first: if the key is new, it stands where it belongs already. */
    const size_t code_length = COMMUNE_POSTAL_CODE_SIZE - 1;
    size_t start = keys->text.length;
    size_t length = code_length + name_length;
    if (start + length > KEYS_BYTES_MAX) {
        return err_set(err, ERR_ETL, "more than %zu bytes of different names and postal codes", KEYS_BYTES_MAX);
    }
    buffer_append(&keys->text, postal_code, code_length);
    buffer_append(&keys->text, name, name_length);
    if (buffer_failed(&keys->text)) {
        return err_set(err, ERR_INTERNAL, "no memory for %zu keys", keys->count + 1);
    }
    uint64_t hash = hash_of(keys->text.data + start, length);
    struct keys_entry *entry = find(keys, hash, keys->text.data + start, length);
    if (entry->text == 0) {
        *entry = (struct keys_entry){.hash = hash, .text = start + 1, .length = length, .record = 0};
        keys->count += 1;
    } else {
        keys->text.length = start;
        keys->text.data[start] = '\0';
    }
    *record = &entry->record;
    return 0;
}
