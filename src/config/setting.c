/* What is done with one setting by its kind: naming, storing, explaining, printing.
 * Not here: the table (settings.c), the grammar of values (value.c). */
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/nearness.h"
#include "config/settings.h"
#include "config/value.h"

/* Members of an enum type are written as the `unsigned` that the compiler makes of them. */
static_assert(sizeof(enum config_duplicates) == sizeof(unsigned) && sizeof(enum log_level) == sizeof(unsigned) &&
                  sizeof(enum log_format) == sizeof(unsigned) && sizeof(enum config_encoding) == sizeof(unsigned),
              "named values are stored as unsigned");

static void *member(const struct config_setting *setting, struct config *values)
{
    return (char *) values + setting->offset;
}

static const void *member_const(const struct config_setting *setting, const struct config *values)
{
    return (const char *) values + setting->offset;
}

static bool is_string(const struct config_setting *setting)
{
    return setting->kind == CONFIG_KIND_TEXT || setting->kind == CONFIG_KIND_PATH || setting->kind == CONFIG_KIND_URL ||
           setting->kind == CONFIG_KIND_DATABASE_URL || setting->kind == CONFIG_KIND_COLUMNS;
}

bool config_setting_name(const struct config_setting *setting, enum config_form form, struct buffer *out)
{
    if (form == CONFIG_FORM_PROPER) {
        buffer_append_text(out, setting->help.name);
        return true;
    }
    if (form == CONFIG_FORM_FILE && (setting->traits & CONFIG_FROM_FILE) != 0) {
        buffer_append_format(out, "%s_FILE", setting->help.name);
        return true;
    }
    if (form == CONFIG_FORM_ALIAS && setting->alias != NULL) {
        buffer_append_text(out, setting->alias);
        return true;
    }
    return false;
}

/* Calls `matches(name, known)` for every known name, until one does; leaves that one in `out`. */
static bool find_name(const char *name, bool (*matches)(const char *name, const char *known), struct buffer *out)
{
    BUFFER_AUTO known = BUFFER_EMPTY;
    for (size_t i = 0; i < config_setting_count; i++) {
        for (enum config_form form = 0; form < CONFIG_FORM_COUNT; form++) {
            buffer_clear(&known);
            if (config_setting_name(&config_settings[i], form, &known) && matches(name, buffer_text(&known))) {
                buffer_append(out, known.data, known.length);
                return true;
            }
        }
    }
    if (matches(name, CONFIG_PATH_NAME)) {
        buffer_append_text(out, CONFIG_PATH_NAME);
        return true;
    }
    return false;
}

static bool names_equal(const char *name, const char *known)
{
    return strcmp(name, known) == 0;
}

bool config_name_known(const char *name)
{
    BUFFER_AUTO found = BUFFER_EMPTY;
    return find_name(name, names_equal, &found);
}

bool config_name_near(const char *name, struct buffer *out)
{
    return find_name(name, config_near, out);
}

static bool store_string(char **place, const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        return false;
    }
    free(*place);
    *place = copy;
    return true;
}

static bool store_number(const struct config_setting *setting, const char *text, int64_t *place)
{
    if (setting->zero_name != NULL && (strcmp(text, "0") == 0 || strcasecmp(text, setting->zero_name) == 0)) {
        *place = 0;
        return true;
    }
    return setting->kind == CONFIG_KIND_SIZE ? config_value_size(text, setting->min, setting->max, place)
                                             : config_value_integer(text, setting->min, setting->max, place);
}

static bool store_name(const struct config_setting *setting, const char *text, unsigned *place)
{
    for (size_t i = 0; setting->synonyms != NULL && setting->synonyms[i][0] != NULL; i++) {
        if (strcasecmp(text, setting->synonyms[i][0]) == 0) {
            text = setting->synonyms[i][1];
            break;
        }
    }
    return config_value_name(text, setting->names, setting->name_count, place);
}

bool config_setting_store(const struct config_setting *setting, const char *text, struct config *values)
{
    void *place = member(setting, values);
    switch (setting->kind) {
    case CONFIG_KIND_TEXT:
    case CONFIG_KIND_DATABASE_URL:
    case CONFIG_KIND_COLUMNS:
        return config_value_text(text) && store_string(place, text);
    case CONFIG_KIND_PATH:
        return config_value_text(text) && strlen(text) < PATH_MAX && store_string(place, text);
    case CONFIG_KIND_URL:
        return config_value_url(text) && store_string(place, text);
    case CONFIG_KIND_BOOLEAN:
        return config_value_boolean(text, place);
    case CONFIG_KIND_INTEGER:
    case CONFIG_KIND_SIZE:
        return store_number(setting, text, place);
    case CONFIG_KIND_DURATION:
        return config_value_duration(text, setting->min, setting->max, place);
    case CONFIG_KIND_NAME:
        return store_name(setting, text, place);
    case CONFIG_KIND_LIMIT:
        return config_value_limit(text, place);
    case CONFIG_KIND_COUNT:
        break;
    }
    return false;
}

static void print_names(const struct config_setting *setting, struct buffer *out)
{
    for (size_t i = 0; i < setting->name_count; i++) {
        buffer_append_format(out, "%s%s", i == 0 ? "" : ", ", setting->names[i]);
    }
}

static void print_zero_name(const struct config_setting *setting, struct buffer *out)
{
    if (setting->zero_name != NULL) {
        buffer_append_format(out, ", or %s", setting->zero_name);
    }
}

void config_setting_print_allowed(const struct config_setting *setting, struct buffer *out)
{
    switch (setting->kind) {
    case CONFIG_KIND_TEXT:
    case CONFIG_KIND_DATABASE_URL:
    case CONFIG_KIND_COLUMNS:
        buffer_append_format(out, "not a text of 1 to %d bytes without control characters", CONFIG_VALUE_BYTES_MAX);
        break;
    case CONFIG_KIND_PATH:
        buffer_append_format(out, "not a path of 1 to %d bytes without control characters", PATH_MAX - 1);
        break;
    case CONFIG_KIND_URL:
        buffer_append_text(out, "not a URL such as http://localhost:8080 or https://host/path");
        break;
    case CONFIG_KIND_BOOLEAN:
        buffer_append_text(out, "not one of true, false, yes, no, on, off, 1, 0");
        break;
    case CONFIG_KIND_INTEGER:
        buffer_append_format(out, "not a number from %lld to %lld", (long long) setting->min, (long long) setting->max);
        print_zero_name(setting, out);
        break;
    case CONFIG_KIND_DURATION:
        buffer_append_text(out, "not a duration from ");
        config_value_print_duration(out, setting->min);
        buffer_append_text(out, " to ");
        config_value_print_duration(out, setting->max);
        buffer_append_text(out, ", such as 500ms, 8s, 2m, or 1.5 for seconds");
        break;
    case CONFIG_KIND_SIZE:
        buffer_append_text(out, "not a size from ");
        config_value_print_size(out, setting->min);
        buffer_append_text(out, " to ");
        config_value_print_size(out, setting->max);
        buffer_append_text(out, ", such as 256M, 1G, 512MiB or bytes");
        print_zero_name(setting, out);
        break;
    case CONFIG_KIND_NAME:
        buffer_append_text(out, "not one of ");
        print_names(setting, out);
        break;
    case CONFIG_KIND_LIMIT:
        buffer_append_text(out, "not a count, nor a share from 0% to 100% with at most one decimal");
        break;
    case CONFIG_KIND_COUNT:
        break;
    }
}

static void print_limit(const struct config_limit *limit, struct buffer *out)
{
    if (limit->permille < 0) {
        buffer_append_integer(out, limit->count);
        return;
    }
    buffer_append_integer(out, limit->permille / 10);
    if (limit->permille % 10 != 0) {
        buffer_append_format(out, ".%d", (int) (limit->permille % 10));
    }
    buffer_append_char(out, '%');
}

static void print_string(const struct config_setting *setting, const char *text, struct buffer *out)
{
    if (text == NULL) {
        buffer_append_text(out, "(unset)");
    } else if (setting->kind == CONFIG_KIND_DATABASE_URL || setting->kind == CONFIG_KIND_URL) {
        config_value_print_redacted(out, text);
    } else {
        buffer_append_text(out, (setting->traits & CONFIG_SECRET) != 0 ? "***" : text);
    }
}

void config_setting_print(const struct config_setting *setting, const struct config *values, struct buffer *out)
{
    const void *place = member_const(setting, values);
    int64_t number = 0;
    if (is_string(setting)) {
        print_string(setting, *(char *const *) place, out);
        return;
    }
    switch (setting->kind) {
    case CONFIG_KIND_BOOLEAN:
        buffer_append_text(out, *(const bool *) place ? "true" : "false");
        break;
    case CONFIG_KIND_INTEGER:
    case CONFIG_KIND_SIZE:
        number = *(const int64_t *) place;
        if (number == 0 && setting->zero_name != NULL) {
            buffer_append_text(out, setting->zero_name);
        } else if (setting->kind == CONFIG_KIND_SIZE) {
            config_value_print_size(out, number);
        } else {
            buffer_append_integer(out, number);
        }
        break;
    case CONFIG_KIND_DURATION:
        config_value_print_duration(out, *(const int64_t *) place);
        break;
    case CONFIG_KIND_NAME:
        buffer_append_text(out, setting->names[*(const unsigned *) place]);
        break;
    case CONFIG_KIND_LIMIT:
        print_limit(place, out);
        break;
    default:
        break;
    }
}

void config_settings_done(struct config *values)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        if (is_string(&config_settings[i])) {
            char **place = member(&config_settings[i], values);
            free(*place);
            *place = NULL;
        }
    }
}
