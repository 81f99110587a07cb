/* The two files of what is known, their entries, and what goes wrong with them.
 * Not here: reading and writing such files (store.c), asking Nominatim. */
#include "geocode/cache.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "digitalism/base/log.h"
#include "digitalism/commune.h"

#define DAY_S         (INT64_C(24) * 3600)
#define LATITUDE_MAX  90.0
#define LONGITUDE_MAX 180.0
#define LINKS_MAX     8

void cache_key(struct buffer *out, const char *city, const char *postal_code)
{
    if (commune_name_lower(out, city, strlen(city)) != COMMUNE_OK) {
        buffer_append_text(out, city);
    }
    buffer_append_format(out, "_%s", postal_code);
}

void cache_number(struct buffer *out, double number)
{
    char text[32];
    (void) snprintf(text, sizeof(text), "%.15g", number);
    if (strtod(text, NULL) != number) {
        (void) snprintf(text, sizeof(text), "%.17g", number);
    }
    buffer_append_text(out, text);
    if (strpbrk(text, ".e") == NULL) {
        buffer_append_text(out, ".0");
    }
}

/* Follows symbolic links to where the file is or shall be, so that it is replaced there, and not the link. */
static int resolve(struct buffer *out, const char *path, struct err *err)
{
    buffer_append_text(out, path);
    for (int links = 0; links < LINKS_MAX; links++) {
        char target[PATH_MAX];
        ssize_t length = buffer_failed(out) ? -1 : readlink(buffer_text(out), target, sizeof(target) - 1);
        if (length < 0) {
            return buffer_failed(out) ? err_set(err, ERR_INTERNAL, "no memory for a path") : 0;
        }
        target[length] = '\0';
        const char *slash = strrchr(buffer_text(out), '/');
        out->length = target[0] == '/' || slash == NULL ? 0 : (size_t) (slash - out->data) + 1;
        buffer_append_text(out, target);
    }
    return 0;
}

/* Makes the directories of the path that are missing. What cannot be made shows when the file is opened. */
static void make_directories(const char *path)
{
    char directory[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof(directory)) {
        return;
    }
    memcpy(directory, path, length + 1);
    for (char *slash = strchr(directory + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void) mkdir(directory, 0755);
        *slash = '/';
    }
}

static void warn_once(struct cache *cache, const struct err *err)
{
    if (!cache->has_warned) {
        cache->has_warned = true;
        log_warn("%s, continuing without keeping what Nominatim answers%s%s", err->message,
                 err->hint[0] == '\0' ? "" : "; hint: ", err->hint);
    }
}

/* Under the lock: what is no JSON object now is not being written by one of us. */
static void load(struct cache *cache, struct store *store)
{
    struct err why;
    struct err err;
    BUFFER_AUTO moved = BUFFER_EMPTY;
    if (store_refresh(store, &why) == 0) {
        return;
    }
    bool is_corrupt = store->is_corrupt;
    if (is_corrupt && store_move_aside(store, &moved, &err) == 0) {
        log_warn("%s, moved aside to %s, continuing with an empty cache", why.message, buffer_text(&moved));
        (void) store_refresh(store, NULL);
        return;
    }
    /* Neither read nor written: it may hold what is of use to somebody. */
    store->is_closed = true;
    warn_once(cache, is_corrupt ? &err : &why);
}

int cache_open(struct cache *cache, const char *path, int stop_fd, struct err *err)
{
    struct buffer *places = &cache->places.path;
    int result = resolve(places, path, err);
    if (result < 0) {
        return result;
    }
    buffer_append_format(&cache->unknown.path, "%s.negative", buffer_text(places));
    if (buffer_failed(&cache->unknown.path)) {
        return err_set(err, ERR_INTERNAL, "no memory for a path");
    }
    make_directories(buffer_text(places));
    struct err why;
    if (lock_open(&cache->lock, buffer_text(places), &why) < 0) {
        warn_once(cache, &why);
    }
    result = lock_take(&cache->lock, stop_fd, err);
    if (result == 0) {
        load(cache, &cache->places);
        load(cache, &cache->unknown);
        lock_release(&cache->lock);
    }
    return result;
}

void cache_close(struct cache *cache)
{
    store_done(&cache->places);
    store_done(&cache->unknown);
    lock_close(&cache->lock);
}

/* The value of the city's entry, parsed; NULL when there is none. `is_there` tells one that is no JSON from none. */
static struct json_value *entry_of(struct store *store, const char *city, const char *postal_code, bool *is_there)
{
    BUFFER_AUTO name = BUFFER_EMPTY;
    BUFFER_AUTO key = BUFFER_EMPTY;
    struct json_value *value = NULL;
    /* Another process may have learned something; what cannot be read now is read another time. */
    (void) store_refresh(store, NULL);
    buffer_append_format(&name, "%s_%s", city, postal_code);
    if (commune_name_folded(&key, buffer_text(&name), name.length) != COMMUNE_OK) {
        return NULL;
    }
    const struct store_entry *entry = store_find(store, buffer_text(&key), key.length);
    *is_there = entry != NULL;
    if (entry == NULL || json_parse(&value, entry->value.text, entry->value.length, NULL) < 0) {
        return NULL;
    }
    return value;
}

static bool is_known_unknown(struct cache *cache, const char *city, const char *postal_code)
{
    int64_t asked_s = 0;
    bool is_there = false;
    struct json_value *entry = entry_of(&cache->unknown, city, postal_code, &is_there);
    bool has_time = json_member_integer(entry, "asked_at", &asked_s);
    json_free(entry);
    int64_t age_s = (int64_t) time(NULL) - asked_s;
    /* One from the future, of a clock that was wrong, would be believed for who knows how long. */
    return has_time && age_s >= -DAY_S && age_s < CACHE_UNKNOWN_DAYS * DAY_S;
}

enum cache_answer cache_find(struct cache *cache, const char *city, const char *postal_code, double *latitude,
                             double *longitude, bool *is_bad)
{
    bool is_there = false;
    struct json_value *entry = entry_of(&cache->places, city, postal_code, &is_there);
    bool is_place = nominatim_degrees(entry, "latitude", LATITUDE_MAX, latitude) &&
                    nominatim_degrees(entry, "longitude", LONGITUDE_MAX, longitude);
    json_free(entry);
    if (is_place) {
        return CACHE_PLACE;
    }
    if (is_known_unknown(cache, city, postal_code)) {
        return CACHE_UNKNOWN;
    }
    *is_bad = is_there;
    return CACHE_NOTHING;
}

/* The members in the order in which Python wrote them, with its blanks. */
static void write_entry(struct buffer *out, const char *city, const char *postal_code,
                        const struct nominatim_place *place)
{
    buffer_append_char(out, '{');
    if (place != NULL) {
        buffer_append_text(out, "\"latitude\": ");
        cache_number(out, place->latitude);
        buffer_append_text(out, ", \"longitude\": ");
        cache_number(out, place->longitude);
        buffer_append_format(out, ", \"display_name\": %s, ", buffer_text(&place->display_name));
    }
    buffer_append_text(out, "\"city\": ");
    buffer_append_json_string(out, city, strlen(city));
    buffer_append_text(out, ", \"postcode\": ");
    buffer_append_json_string(out, postal_code, strlen(postal_code));
    if (place == NULL) {
        buffer_append_format(out, ", \"asked_at\": %" PRId64, (int64_t) time(NULL));
    }
    buffer_append_char(out, '}');
}

static int put(struct store *store, const char *city, const char *postal_code, const struct nominatim_place *place,
               struct err *err)
{
    BUFFER_AUTO plain = BUFFER_EMPTY;
    BUFFER_AUTO key = BUFFER_EMPTY;
    BUFFER_AUTO name = BUFFER_EMPTY;
    BUFFER_AUTO value = BUFFER_EMPTY;
    cache_key(&plain, city, postal_code);
    buffer_append_json_string(&name, buffer_text(&plain), plain.length);
    write_entry(&value, city, postal_code, place);
    if (commune_name_folded(&key, buffer_text(&plain), plain.length) != COMMUNE_OK || buffer_failed(&name) ||
        buffer_failed(&value)) {
        return err_set(err, ERR_INTERNAL, "cannot make an entry for %s", buffer_text(&store->path));
    }
    return store_put(store, buffer_text(&key), key.length,
                     (struct json_span){.text = buffer_text(&name), .length = name.length},
                     (struct json_span){.text = buffer_text(&value), .length = value.length}, err);
}

int cache_keep(struct cache *cache, const char *city, const char *postal_code, const struct nominatim_place *place,
               int stop_fd, struct err *err)
{
    struct store *store = place == NULL ? &cache->unknown : &cache->places;
    struct err why;
    bool is_shared = cache->lock.fd >= 0 && !store->is_closed;
    if (is_shared) {
        int locked = lock_take(&cache->lock, stop_fd, &why);
        if (locked == -(int) ERR_INTERRUPTED) {
            *err = why;
            return locked;
        }
        if (locked < 0) {
            warn_once(cache, &why);
            is_shared = false;
        }
    }
    if (is_shared) {
        load(cache, store);
    }
    int result = put(store, city, postal_code, place, &why);
    if (result == 0 && is_shared && !store->is_closed) {
        result = store_write(store, &why);
    }
    if (is_shared) {
        lock_release(&cache->lock);
    }
    if (result < 0) {
        warn_once(cache, &why);
    } else if (is_shared && cache->has_warned && !store->is_closed) {
        cache->has_warned = false;
        log_info("what Nominatim answers can be kept again: %s", buffer_text(&store->path));
    }
    return 0;
}
