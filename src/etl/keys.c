/* The hash table of keys: the texts stand one behind the other in one buffer, the entries point into it.
 * Not here: the rules of which record wins. */
#include "etl/keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 1024
#define CODE_LENGTH    ((size_t) COMMUNE_POSTAL_CODE_SIZE - 1)
#define LENGTH_BYTES   2

static_assert(KEYS_TEXT_BYTES_MAX < UINT32_MAX, "places in the text have 32 bits");

void keys_done(struct keys *keys)
{
    free(keys->entries);
    buffer_done(&keys->text);
    *keys = (struct keys){.text = BUFFER_EMPTY};
}

/* FNV-1a, 64 bits. */
static uint64_t add_bytes(uint64_t hash, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char) text[i]) * 0x100000001B3u;
    }
    return hash;
}

uint64_t keys_hash(const char *postal_code, const char *name, size_t name_length)
{
    uint64_t hash = add_bytes(0xCBF29CE484222325u, postal_code, CODE_LENGTH);
    hash = add_bytes(hash, name, name_length);
    /* The last bytes have not reached the low bits of the high half yet, nor the high bits the low half. */
    hash ^= hash >> 32;
    hash *= 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
}

static size_t place_of(const struct keys *keys, uint32_t hash)
{
    return (size_t) hash & (keys->capacity - 1);
}

static bool is_key(const struct keys *keys, const struct keys_entry *entry, const char *name, size_t name_length,
                   const char *postal_code)
{
    const char *text = keys->text.data + entry->text - 1;
    uint16_t length;
    memcpy(&length, text, LENGTH_BYTES);
    text += LENGTH_BYTES;
    return length == CODE_LENGTH + name_length && memcmp(text, postal_code, CODE_LENGTH) == 0 &&
           memcmp(text + CODE_LENGTH, name, name_length) == 0;
}

static bool grow(struct keys *keys)
{
    struct keys larger = {.capacity = keys->capacity == 0 ? CAPACITY_FIRST : keys->capacity * 2};
    larger.entries = calloc(larger.capacity, sizeof(*larger.entries));
    if (larger.entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < keys->capacity; i++) {
        if (keys->entries[i].text == 0) {
            continue;
        }
        size_t at = place_of(&larger, keys->entries[i].hash);
        while (larger.entries[at].text != 0) {
            at = (at + 1) & (larger.capacity - 1);
        }
        larger.entries[at] = keys->entries[i];
    }
    free(keys->entries);
    keys->entries = larger.entries;
    keys->capacity = larger.capacity;
    return true;
}

bool keys_record(struct keys *keys, uint32_t **record, const char *name, size_t name_length, const char *postal_code)
{
    assert(name_length < UINT16_MAX - CODE_LENGTH);
    if (keys->count >= keys->capacity / 4 * 3 && keys->count < KEYS_MAX && !grow(keys)) {
        return false;
    }
    uint32_t hash = (uint32_t) keys_hash(postal_code, name, name_length);
    size_t at = place_of(keys, hash);
    /* There is always a free entry. */
    while (keys->entries[at].text != 0 &&
           (keys->entries[at].hash != hash || !is_key(keys, &keys->entries[at], name, name_length, postal_code))) {
        at = (at + 1) & (keys->capacity - 1);
    }
    struct keys_entry *entry = &keys->entries[at];
    if (entry->text == 0) {
        size_t start = keys->text.length;
        uint16_t length = (uint16_t) (CODE_LENGTH + name_length);
        if (keys->count == KEYS_MAX || start + LENGTH_BYTES + length > KEYS_TEXT_BYTES_MAX) {
            return false;
        }
        buffer_append(&keys->text, &length, LENGTH_BYTES);
        buffer_append(&keys->text, postal_code, CODE_LENGTH);
        buffer_append(&keys->text, name, name_length);
        if (buffer_failed(&keys->text)) {
            return false;
        }
        *entry = (struct keys_entry){.text = (uint32_t) start + 1, .hash = hash, .record = 0};
        keys->count += 1;
    }
    *record = &entry->record;
    return true;
}
