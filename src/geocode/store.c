/* Entries in memory: reading the file, the index, changes.
 * Not here: writing the file (store_write.c). */
#include "geocode/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "digitalism/base/file.h"
#include "digitalism/commune.h"

#define SLOTS_FIRST 256

static void clear_entries(struct store *store)
{
    for (size_t i = 0; i < store->count; i++) {
        free(store->entries[i].owned);
    }
    free(store->entries);
    free(store->slots);
    store->entries = NULL;
    store->slots = NULL;
    store->count = store->capacity = store->slot_count = 0;
    buffer_done(&store->text);
    buffer_done(&store->keys);
}

void store_done(struct store *store)
{
    clear_entries(store);
    buffer_done(&store->path);
}

/* FNV-1a. The keys come from files of the operator's own, so that nobody chooses them to collide. */
static uint64_t hash_of(const char *key, size_t length)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char) key[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

/* The slot that has the key, or the free one where it belongs. There is always a free one. */
static size_t *slot_of(const struct store *store, const char *key, size_t length)
{
    size_t at = (size_t) hash_of(key, length) & (store->slot_count - 1);
    for (;; at = (at + 1) & (store->slot_count - 1)) {
        size_t *slot = &store->slots[at];
        if (*slot == 0) {
            return slot;
        }
        const struct store_entry *entry = &store->entries[*slot - 1];
        if (entry->key_length == length && memcmp(buffer_text(&store->keys) + entry->key_at, key, length) == 0) {
            return slot;
        }
    }
}

static bool grow(struct store *store)
{
    if (store->count == store->capacity) {
        size_t capacity = store->capacity == 0 ? SLOTS_FIRST / 2 : store->capacity * 2;
        struct store_entry *entries = realloc(store->entries, capacity * sizeof(*entries));
        if (entries == NULL) {
            return false;
        }
        store->entries = entries;
        store->capacity = capacity;
    }
    if ((store->count + 1) * 2 <= store->slot_count) {
        return true;
    }
    size_t slot_count = store->slot_count == 0 ? SLOTS_FIRST : store->slot_count * 2;
    size_t *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    free(store->slots);
    store->slots = slots;
    store->slot_count = slot_count;
    for (size_t i = 0; i < store->count; i++) {
        const struct store_entry *entry = &store->entries[i];
        *slot_of(store, buffer_text(&store->keys) + entry->key_at, entry->key_length) = i + 1;
    }
    return true;
}

/* Appends an entry. Of several with one key the last is found, as Python's reader has it. */
static bool append(struct store *store, const char *key, size_t key_length, struct store_entry entry)
{
    if (!grow(store)) {
        return false;
    }
    entry.key_at = store->keys.length;
    entry.key_length = key_length;
    buffer_append(&store->keys, key, key_length);
    if (buffer_failed(&store->keys)) {
        return false;
    }
    store->entries[store->count] = entry;
    store->count += 1;
    *slot_of(store, key, key_length) = store->count;
    return true;
}

/* What a walk over the file fills. */
struct reading {
    struct store *store;
    struct buffer name;
    struct buffer key;
    struct err *err;
};

static int take_member(void *context, struct json_span name, struct json_span value)
{
    struct reading *reading = context;
    buffer_clear(&reading->name);
    buffer_clear(&reading->key);
    /* A name that is no text of Unicode is nobody's key; under its own bytes it is kept and never found. */
    if (!json_unquote(&reading->name, name) ||
        commune_name_folded(&reading->key, buffer_text(&reading->name), reading->name.length) != COMMUNE_OK) {
        buffer_clear(&reading->key);
        buffer_append(&reading->key, name.text, name.length);
    }
    if (buffer_failed(&reading->name) || buffer_failed(&reading->key) ||
        !append(reading->store, buffer_text(&reading->key), reading->key.length,
                (struct store_entry){.name = name, .value = value})) {
        return err_set(reading->err, ERR_INTERNAL, "no memory for %s", buffer_text(&reading->store->path));
    }
    return 0;
}

static bool is_blank(const struct buffer *text)
{
    return text->length == 0 || strspn(text->data, " \t\r\n") == text->length;
}

/* Reads the file into a store that has nothing but its path. */
static int read_file(struct store *fresh, struct err *err)
{
    int result = file_read(&fresh->text, buffer_text(&fresh->path), STORE_BYTES_MAX, err);
    if (result < 0 || is_blank(&fresh->text)) {
        return result;
    }
    struct reading reading = {.store = fresh, .name = BUFFER_EMPTY, .key = BUFFER_EMPTY, .err = err};
    result = json_walk(fresh->text.data, fresh->text.length, take_member, &reading, err);
    fresh->is_corrupt = result == -(int) ERR_CONFIG;
    buffer_done(&reading.name);
    buffer_done(&reading.key);
    return result < 0 ? err_prefix(err, "%s", buffer_text(&fresh->path)) : 0;
}

/* Whether the file on the disk is the one that is known. A missing one has st_ino 0. */
static bool is_seen(const struct store *store, const struct stat *now)
{
    const struct stat *seen = &store->seen;
    return seen->st_dev == now->st_dev && seen->st_ino == now->st_ino && seen->st_size == now->st_size &&
           seen->st_mtim.tv_sec == now->st_mtim.tv_sec && seen->st_mtim.tv_nsec == now->st_mtim.tv_nsec;
}

/* Takes over what could not be saved and is not in the file. */
static bool adopt_unsaved(struct store *fresh, struct store *old)
{
    for (size_t i = 0; i < old->count; i++) {
        struct store_entry *entry = &old->entries[i];
        const char *key = buffer_text(&old->keys) + entry->key_at;
        if (!entry->is_unsaved || store_find(fresh, key, entry->key_length) != NULL) {
            continue;
        }
        if (!append(fresh, key, entry->key_length, *entry)) {
            return false;
        }
        entry->owned = NULL;
    }
    return true;
}

int store_refresh(struct store *store, struct err *err)
{
    struct stat now = {.st_ino = 0};
    store->is_corrupt = false;
    if (store->is_closed) {
        return 0;
    }
    if (stat(buffer_text(&store->path), &now) != 0) {
        if (errno != ENOENT) {
            return err_set_errno(err, ERR_CONFIG, errno, "cannot look at %s", buffer_text(&store->path));
        }
        now = (struct stat){.st_ino = 0};
    } else if (!S_ISREG(now.st_mode)) {
        return err_set(err, ERR_CONFIG, "%s is no file", buffer_text(&store->path));
    }
    if (is_seen(store, &now)) {
        return 0;
    }
    struct store fresh = STORE_EMPTY;
    buffer_append(&fresh.path, buffer_text(&store->path), store->path.length);
    fresh.seen = now;
    int result = now.st_ino == 0 ? 0 : read_file(&fresh, err);
    if (result == 0 && (buffer_failed(&fresh.path) || !adopt_unsaved(&fresh, store))) {
        result = err_set(err, ERR_INTERNAL, "no memory for %s", buffer_text(&store->path));
    }
    if (result < 0) {
        store->is_corrupt = fresh.is_corrupt;
        store_done(&fresh);
        return result;
    }
    store_done(store);
    *store = fresh;
    return 0;
}

const struct store_entry *store_find(const struct store *store, const char *key, size_t key_length)
{
    if (store->slot_count == 0) {
        return NULL;
    }
    size_t found = *slot_of(store, key, key_length);
    return found == 0 ? NULL : &store->entries[found - 1];
}

int store_put(struct store *store, const char *key, size_t key_length, struct json_span name, struct json_span value,
              struct err *err)
{
    char *owned = malloc(name.length + value.length);
    if (owned == NULL || !grow(store)) {
        free(owned);
        return err_set(err, ERR_INTERNAL, "no memory for %s", buffer_text(&store->path));
    }
    memcpy(owned, name.text, name.length);
    memcpy(owned + name.length, value.text, value.length);
    struct store_entry entry = {.name = {.text = owned, .length = name.length},
                                .value = {.text = owned + name.length, .length = value.length},
                                .owned = owned,
                                .is_unsaved = true};
    size_t found = *slot_of(store, key, key_length);
    if (found != 0) {
        struct store_entry *old = &store->entries[found - 1];
        entry.key_at = old->key_at;
        entry.key_length = old->key_length;
        free(old->owned);
        *old = entry;
        return 0;
    }
    if (!append(store, key, key_length, entry)) {
        free(owned);
        return err_set(err, ERR_INTERNAL, "no memory for %s", buffer_text(&store->path));
    }
    return 0;
}
