/* Loading: reads every source, lets the strongest value of each setting win, checks it; and printing what came out.
 * Not here: the sources' grammars (sources.c, dotenv.c), the settings (settings.c). */
#include "digitalism/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/settings.h"
#include "config/sources.h"
#include "config/value.h"
#include "digitalism/base/file.h"

#define SECRET_FILE_BYTES_MAX ((size_t) 64 * 1024)
#define PRINT_COLUMN_MAX      40

struct config_sources {
    size_t count;
    char *texts[]; /* one for each setting, in the table's order; NULL for its default */
};

/* All that one load works on. */
struct loading {
    const struct config_options *options;
    struct config_loaded *out;
    struct config_entries entries;
    struct config_faults faults;
    bool database_url_given; /* also when it will not do */
    bool failed;             /* memory was short */
};

/* Reads a file whole; a missing one is no fault unless somebody named it. False when there is nothing to read. */
static bool read_file(struct loading *loading, const char *path, bool named, const char *named_by,
                      struct buffer *content)
{
    struct stat status;
    struct err err;
    if (!named && stat(path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return false;
    }
    if (file_read(content, path, CONFIG_FILE_BYTES_MAX, &err) < 0) {
        if (named_by == NULL) {
            config_fault(&loading->faults, "%s", err.message);
        } else {
            config_fault(&loading->faults, "%s: %s", named_by, err.message);
        }
        return false;
    }
    return true;
}

static void read_dotenv(struct loading *loading)
{
    BUFFER_AUTO content = BUFFER_EMPTY;
    const char *path = loading->options->dotenv_path;
    bool named = path != NULL;
    path = named ? path : ".env";
    if (read_file(loading, path, named, NULL, &content)) {
        config_read_dotenv(&loading->entries, buffer_text(&content), content.length, path, &loading->faults);
    }
}

static void read_ini(struct loading *loading)
{
    BUFFER_AUTO content = BUFFER_EMPTY;
    BUFFER_AUTO named_by = BUFFER_EMPTY;
    const char *path = loading->options->ini_path;
    if (path == NULL) {
        for (enum config_source source = CONFIG_SOURCE_ENVIRONMENT; source >= CONFIG_SOURCE_DOTENV; source--) {
            const struct config_entry *entry = config_entries_find(&loading->entries, source, CONFIG_PATH_NAME);
            if (entry != NULL) {
                path = entry->value;
                buffer_append_format(&named_by, "%s (%s)", CONFIG_PATH_NAME, entry->place);
                break;
            }
        }
    }
    bool named = path != NULL;
    path = named ? path : "digitalism.ini";
    if (read_file(loading, path, named, named_by.length == 0 ? NULL : buffer_text(&named_by), &content)) {
        config_read_ini(&loading->entries, buffer_text(&content), content.length, path, &loading->faults);
    }
}

static bool is_flag(const char *name)
{
    for (size_t i = 0; config_flag(i) != NULL; i++) {
        if (strcmp(config_flag(i)->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_flag_name(struct loading *loading, const struct config_entry *entry, const char *clean_name)
{
    BUFFER_AUTO near = BUFFER_EMPTY;
    if (is_flag(entry->name)) {
        return;
    }
    if (config_name_known(entry->name)) {
        config_fault(&loading->faults,
                     "%s (flag): not taken from the command line, which others can read; give it in the environment",
                     clean_name);
    } else if (config_name_near(entry->name, &near)) {
        config_fault(&loading->faults, "%s (flag): not a setting; did you mean %s?", clean_name, buffer_text(&near));
    } else {
        config_fault(&loading->faults, "%s (flag): not a setting", clean_name);
    }
}

/* Every name is looked at once: a flag or an INI key that is no setting is told, and of the names that are shared with
 * other programs those that look like a slip. */
static void check_name(struct loading *loading, const struct config_entry *entry)
{
    struct buffer *warnings = &loading->out->warnings;
    BUFFER_AUTO near = BUFFER_EMPTY;
    BUFFER_AUTO name = BUFFER_EMPTY;
    config_value_print_clean(&name, entry->name);
    if (entry->source == CONFIG_SOURCE_FLAG) {
        check_flag_name(loading, entry, buffer_text(&name));
        return;
    }
    if (config_name_known(entry->name)) {
        return;
    }
    bool looks_known = config_name_near(entry->name, &near);
    if (!looks_known && entry->source != CONFIG_SOURCE_INI) {
        return;
    }
    if (entry->source != CONFIG_SOURCE_ENVIRONMENT) {
        buffer_append_format(warnings, "%s: ", entry->place);
    }
    buffer_append_format(warnings, "%s is not a setting", buffer_text(&name));
    if (looks_known) {
        buffer_append_format(warnings, "; did you mean %s?\n", buffer_text(&near));
    } else {
        buffer_append_text(warnings, ", ignored\n");
    }
}

/* A setting's strongest entry, and the form of the name it stands under. */
static const struct config_entry *find_entry(struct loading *loading, const struct config_setting *setting,
                                             enum config_form *form)
{
    for (enum config_source source = CONFIG_SOURCE_COUNT; source-- > CONFIG_SOURCE_INI;) {
        const struct config_entry *found[CONFIG_FORM_COUNT] = {NULL};
        for (enum config_form each = 0; each < CONFIG_FORM_COUNT; each++) {
            BUFFER_AUTO name = BUFFER_EMPTY;
            if (config_setting_name(setting, each, &name)) {
                found[each] = config_entries_find(&loading->entries, source, buffer_text(&name));
            }
        }
        if (found[CONFIG_FORM_PROPER] != NULL && found[CONFIG_FORM_FILE] != NULL) {
            const char *place = found[CONFIG_FORM_FILE]->place;
            config_fault(&loading->faults, "%s and %s_FILE (%s): both are set, give one of them", setting->help.name,
                         setting->help.name, place);
        }
        for (*form = 0; *form < CONFIG_FORM_COUNT; (*form)++) {
            if (found[*form] != NULL) {
                return found[*form];
            }
        }
    }
    return NULL;
}

/* Reads the file that NAME_FILE names, without its final newline. */
static bool read_secret(struct loading *loading, const struct config_entry *entry, struct buffer *value)
{
    struct err err;
    const char *wrong = NULL;
    if (file_read(value, entry->value, SECRET_FILE_BYTES_MAX, &err) < 0) {
        wrong = err.message;
    } else {
        size_t length = value->length;
        length -= length > 0 && value->data[length - 1] == '\n' ? 1 : 0;
        length -= length > 0 && length < value->length && value->data[length - 1] == '\r' ? 1 : 0;
        wrong = length == 0                                 ? "the file is empty"
                : memchr(value->data, '\0', length) != NULL ? "the file holds a NUL byte"
                                                            : NULL;
        value->length = length;
        value->data[length] = '\0';
    }
    if (wrong != NULL) {
        BUFFER_AUTO path = BUFFER_EMPTY;
        config_value_print_clean(&path, entry->value);
        config_fault(&loading->faults, "%s=%s (%s): %s", entry->name, buffer_text(&path), entry->place, wrong);
    }
    return wrong == NULL;
}

static void tell_not_allowed(struct loading *loading, const struct config_setting *setting,
                             const struct config_entry *entry)
{
    BUFFER_AUTO allowed = BUFFER_EMPTY;
    BUFFER_AUTO shown = BUFFER_EMPTY;
    BUFFER_AUTO clean = BUFFER_EMPTY;
    config_setting_print_allowed(setting, &allowed);
    if ((setting->traits & CONFIG_SECRET) != 0) {
        config_fault(&loading->faults, "%s (%s): %s", entry->name, entry->place, buffer_text(&allowed));
        return;
    }
    if (setting->kind == CONFIG_KIND_URL && strchr(entry->value, '@') != NULL) {
        config_value_print_redacted(&shown, entry->value);
    } else {
        buffer_append_text(&shown, entry->value);
    }
    config_value_print_clean(&clean, buffer_text(&shown));
    config_fault(&loading->faults, "%s=%s (%s): %s", entry->name, buffer_text(&clean), entry->place,
                 buffer_text(&allowed));
}

/* The URL's own grammar is the database module's business; what it says is told under the name it was set by. */
static void check_database_url(struct loading *loading, const struct config_entry *entry, const char *url)
{
    struct err err;
    const struct config_options *options = loading->options;
    if (options->check_database_url != NULL && options->check_database_url(url, &err) < 0) {
        config_fault(&loading->faults, "%s (%s): %s%s%s", entry->name, entry->place, err.message,
                     err.hint[0] == '\0' ? "" : "; hint: ", err.hint);
    }
}

/* So is the grammar of the columns the loader's. */
static void check_columns(struct loading *loading, const struct config_entry *entry)
{
    struct err err;
    BUFFER_AUTO clean = BUFFER_EMPTY;
    const struct config_options *options = loading->options;
    if (options->check_columns != NULL && options->check_columns(entry->value, &err) < 0) {
        config_value_print_clean(&clean, entry->value);
        config_fault(&loading->faults, "%s=%s (%s): %s", entry->name, buffer_text(&clean), entry->place, err.message);
    }
}

static void load_setting(struct loading *loading, size_t index)
{
    const struct config_setting *setting = &config_settings[index];
    enum config_form form = CONFIG_FORM_PROPER;
    const struct config_entry *entry = find_entry(loading, setting, &form);
    BUFFER_AUTO value = BUFFER_EMPTY;
    if (entry == NULL) {
        return;
    }
    loading->database_url_given |= setting->offset == offsetof(struct config, database_url);
    if (form != CONFIG_FORM_FILE) {
        buffer_append_text(&value, entry->value);
    } else if (!read_secret(loading, entry, &value)) {
        return;
    }
    if (!config_setting_store(setting, buffer_text(&value), &loading->out->values)) {
        tell_not_allowed(loading, setting, entry);
        return;
    }
    if (setting->kind == CONFIG_KIND_DATABASE_URL) {
        check_database_url(loading, entry, buffer_text(&value));
    } else if (setting->kind == CONFIG_KIND_COLUMNS) {
        check_columns(loading, entry);
    }
    BUFFER_AUTO source = BUFFER_EMPTY;
    buffer_append_text(&source, entry->place);
    if (form != CONFIG_FORM_PROPER) {
        buffer_append_format(&source, ", %s", entry->name);
    }
    loading->out->sources->texts[index] = strdup(buffer_text(&source));
    if (buffer_failed(&value) || buffer_failed(&source) || loading->out->sources->texts[index] == NULL) {
        loading->failed = true;
    }
}

static bool store_defaults(struct config_loaded *out)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct config_setting *setting = &config_settings[i];
        bool has_default = (setting->traits & CONFIG_OPTIONAL) == 0;
        if (has_default && !config_setting_store(setting, setting->help.default_text, &out->values)) {
            return false;
        }
    }
    return true;
}

int config_load(struct config_loaded *out, const struct config_options *options, struct buffer *faults, struct err *err)
{
    *out = (struct config_loaded){.warnings = BUFFER_EMPTY};
    out->sources = calloc(1, sizeof(*out->sources) + config_setting_count * sizeof(out->sources->texts[0]));
    if (out->sources != NULL) {
        out->sources->count = config_setting_count;
    }
    if (out->sources == NULL || !store_defaults(out)) {
        return err_set(err, ERR_INTERNAL, "no memory for the settings");
    }
    struct loading loading = {.options = options, .out = out, .faults = {.lines = faults}};
    config_read_flags(&loading.entries, options->flags, options->flag_count);
    config_read_environment(&loading.entries, options->environment);
    read_dotenv(&loading);
    read_ini(&loading);
    for (size_t i = 0; i < loading.entries.count; i++) {
        check_name(&loading, &loading.entries.items[i]);
    }
    for (size_t i = 0; i < config_setting_count; i++) {
        load_setting(&loading, i);
    }
    if (options->database_required && !loading.database_url_given) {
        config_fault(&loading.faults,
                     "DATABASE_URL is not set: give it as postgresql://user:password@host:5432/database "
                     "in the environment, in .env or in the INI file, or name a file that holds it "
                     "in DATABASE_URL_FILE");
    }
    bool failed = loading.failed || loading.entries.failed || buffer_failed(&out->warnings) || buffer_failed(faults);
    size_t count = loading.faults.count;
    config_entries_done(&loading.entries);
    if (failed) {
        return err_set(err, ERR_INTERNAL, "no memory for the settings");
    }
    if (count > 0) {
        return err_set(err, ERR_CONFIG, count == 1 ? "%zu setting is not valid" : "%zu settings are not valid", count);
    }
    return 0;
}

void config_done(struct config_loaded *loaded)
{
    for (size_t i = 0; loaded->sources != NULL && i < loaded->sources->count; i++) {
        free(loaded->sources->texts[i]);
    }
    free(loaded->sources);
    loaded->sources = NULL;
    config_settings_done(&loaded->values);
    buffer_done(&loaded->warnings);
}

void config_print(const struct config_loaded *loaded, struct buffer *out)
{
    BUFFER_AUTO value = BUFFER_EMPTY;
    int name_width = 0;
    int value_width = 0;
    for (size_t i = 0; i < config_setting_count; i++) {
        buffer_clear(&value);
        config_setting_print(&config_settings[i], &loaded->values, &value);
        int name_length = (int) strlen(config_settings[i].help.name);
        name_width = name_length > name_width ? name_length : name_width;
        if (value.length <= PRINT_COLUMN_MAX && (int) value.length > value_width) {
            value_width = (int) value.length;
        }
    }
    for (size_t i = 0; i < config_setting_count; i++) {
        const char *source = loaded->sources->texts[i];
        buffer_clear(&value);
        config_setting_print(&config_settings[i], &loaded->values, &value);
        if (source == NULL && (config_settings[i].traits & CONFIG_OPTIONAL) != 0) {
            buffer_append_format(out, "%-*s = %s\n", name_width, config_settings[i].help.name, buffer_text(&value));
        } else {
            buffer_append_format(out, "%-*s = %-*s  (%s)\n", name_width, config_settings[i].help.name, value_width,
                                 buffer_text(&value), source == NULL ? "default" : source);
        }
    }
}
