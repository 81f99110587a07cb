/* Reading the sources of settings into entries: flags, environment, INI.
 * Not here: .env (dotenv.c), the table of settings. */
#include "config/sources.h"

#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/entries.h"

void config_fault(struct config_faults *faults, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    buffer_append_vformat(faults->lines, format, arguments);
    va_end(arguments);
    buffer_append_char(faults->lines, '\n');
    faults->count += 1;
}

void config_entries_done(struct config_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->items[i].name);
        free(entries->items[i].value);
        free(entries->items[i].place);
    }
    free(entries->items);
    *entries = (struct config_entries){.items = NULL, .count = 0, .capacity = 0, .failed = false};
}

static bool make_room(struct config_entries *entries)
{
    if (entries->count < entries->capacity) {
        return true;
    }
    size_t capacity = entries->capacity == 0 ? 64 : entries->capacity * 2;
    struct config_entry *items = reallocarray(entries->items, capacity, sizeof(*items));
    if (items == NULL) {
        return false;
    }
    entries->items = items;
    entries->capacity = capacity;
    return true;
}

void config_entries_add(struct config_entries *entries, enum config_source source, struct config_text name,
                        struct config_text value, const char *place)
{
    struct config_entry entry = {
        .name = strndup(name.data, name.length),
        .value = strndup(value.data, value.length),
        .place = strdup(place),
        .source = source,
    };
    if (entry.name == NULL || entry.value == NULL || entry.place == NULL || !make_room(entries)) {
        free(entry.name);
        free(entry.value);
        free(entry.place);
        entries->failed = true;
        return;
    }
    entries->items[entries->count++] = entry;
}

const struct config_entry *config_entries_find(const struct config_entries *entries, enum config_source source,
                                               const char *name)
{
    for (size_t i = entries->count; i > 0; i--) {
        const struct config_entry *entry = &entries->items[i - 1];
        if (entry->source == source && entry->value[0] != '\0' && strcmp(entry->name, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

static struct config_text whole(const char *text)
{
    return (struct config_text){.data = text, .length = strlen(text)};
}

void config_read_flags(struct config_entries *entries, const struct config_flag *flags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        config_entries_add(entries, CONFIG_SOURCE_FLAG, whole(flags[i].name), whole(flags[i].value), "flag");
    }
}

void config_read_environment(struct config_entries *entries, char *const *environment)
{
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++) {
        const char *equals = strchr(environment[i], '=');
        if (equals != NULL) {
            struct config_text name = {.data = environment[i], .length = (size_t) (equals - environment[i])};
            config_entries_add(entries, CONFIG_SOURCE_ENVIRONMENT, name, whole(equals + 1), "environment");
        }
    }
}

/* What inih's two callbacks share. */
struct ini_state {
    struct config_entries *entries;
    struct config_faults *faults;
    const char *file;
    const char *at;
    const char *end;
    size_t line;
};

/* Hands inih one line. Blanks before it are dropped: inih would take an indented line for more of the value above. */
static char *read_ini_line(char *line, int size, void *stream)
{
    struct ini_state *state = stream;
    if (state->at == state->end) {
        return NULL;
    }
    const char *newline = memchr(state->at, '\n', (size_t) (state->end - state->at));
    const char *next = newline == NULL ? state->end : newline + 1;
    const char *start = state->at;
    while (start < next && (*start == ' ' || *start == '\t')) {
        start += 1;
    }
    size_t length = (size_t) (next - start);
    state->at = next;
    state->line += 1;
    if (length >= (size_t) size) {
        config_fault(state->faults, "%s:%zu: longer than %d bytes", state->file, state->line, size - 1);
        start = "\n";
        length = 1;
    }
    memcpy(line, start, length);
    line[length] = '\0';
    return line;
}

static int take_ini_key(void *user, const char *section, const char *key, const char *value)
{
    struct ini_state *state = user;
    if (key == NULL || key[0] == '\0' || value == NULL) {
        return 0;
    }
    BUFFER_AUTO name = BUFFER_EMPTY;
    BUFFER_AUTO place = BUFFER_EMPTY;
    if (section[0] != '\0' && strcasecmp(section, "digitalism") != 0) {
        buffer_append_format(&name, "%s_", section);
    }
    buffer_append_text(&name, key);
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] >= 'a' && name.data[i] <= 'z') {
            name.data[i] = (char) (name.data[i] - 'a' + 'A');
        }
    }
    buffer_append_format(&place, "%s:%zu", state->file, state->line);
    if (buffer_failed(&name) || buffer_failed(&place)) {
        state->entries->failed = true;
    } else {
        config_entries_add(state->entries, CONFIG_SOURCE_INI, whole(buffer_text(&name)), whole(value),
                           buffer_text(&place));
    }
    return 1;
}

void config_read_ini(struct config_entries *entries, const char *text, size_t length, const char *file,
                     struct config_faults *faults)
{
    if (memchr(text, '\0', length) != NULL) {
        config_fault(faults, "%s: holds a NUL byte, so it is no text file", file);
        return;
    }
    struct ini_state state = {
        .entries = entries, .faults = faults, .file = file, .at = text, .end = text + length, .line = 0};
    /* Debian's inih is one library for all, so its limits are variables: 200 bytes a line are too few for a URL. */
    ini_use_stack = false;
    ini_initial_alloc = CONFIG_LINE_BYTES_MAX;
    ini_max_line = CONFIG_LINE_BYTES_MAX;
    int line = ini_parse_stream(read_ini_line, &state, take_ini_key, &state);
    if (line > 0) {
        config_fault(faults, "%s:%d: not a [section], a `key = value` or a comment", file, line);
    } else if (line < 0) {
        entries->failed = true;
    }
}
