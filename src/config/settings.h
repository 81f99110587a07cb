/* The table of all settings, and what is done by kind: storing a value, saying what is allowed, printing it.
 * Not here: where values come from (sources.h), which one wins (config.c). */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/config.h"

#define CONFIG_PATH_NAME "DIGITALISM_CONFIG" /* names the INI file; read from the environment and .env only */

enum config_kind {
    CONFIG_KIND_TEXT,
    CONFIG_KIND_PATH,
    CONFIG_KIND_BOOLEAN,
    CONFIG_KIND_INTEGER,
    CONFIG_KIND_DURATION,
    CONFIG_KIND_SIZE,
    CONFIG_KIND_NAME,
    CONFIG_KIND_LIMIT,
    CONFIG_KIND_URL,
    CONFIG_KIND_DATABASE_URL, /* the grammar of this one and the next is another module's, see config_options */
    CONFIG_KIND_COLUMNS,
    CONFIG_KIND_COUNT
};

enum {
    CONFIG_SECRET = 1,    /* its value never stands in a message, and it is no flag */
    CONFIG_FROM_FILE = 2, /* NAME_FILE may name a file that holds the value */
    CONFIG_OPTIONAL = 4,  /* a string without a default; its default text says so */
};

struct config_setting {
    struct config_flag_help help; /* its name, its default as text, one line on what it does */
    const char *alias;            /* another name for it, or NULL */
    enum config_kind kind;
    unsigned traits;
    size_t offset; /* of its member in struct config */
    int64_t min;   /* of an integer, of a duration in milliseconds, or of a size in bytes */
    int64_t max;
    const char *zero_name;    /* a word for the integer or size 0, which then stands outside of min and max; or NULL */
    const char *const *names; /* of CONFIG_KIND_NAME */
    size_t name_count;
    const char *const (*synonyms)[2]; /* of CONFIG_KIND_NAME: another word, and the name that it means; or NULL */
};

extern const struct config_setting config_settings[];
extern const size_t config_setting_count;

/* How a name names a setting, the better way first. */
enum config_form { CONFIG_FORM_PROPER, CONFIG_FORM_FILE, CONFIG_FORM_ALIAS, CONFIG_FORM_COUNT };

/* Writes the setting's name in the given form; false where it has no such form. */
bool config_setting_name(const struct config_setting *setting, enum config_form form, struct buffer *out);

/* True for each name in each form, and for CONFIG_PATH_NAME. */
bool config_name_known(const char *name);

/* Appends the known name that `name` looks like; false when there is none. */
bool config_name_near(const char *name, struct buffer *out);

/* Reads the text into the setting's member. False when it is not allowed or memory is short; values are untouched then.
 * The former string of the member is released. */
bool config_setting_store(const struct config_setting *setting, const char *text, struct config *values);

/* Appends why a text was not allowed: "not a number from 0 to 65535". */
void config_setting_print_allowed(const struct config_setting *setting, struct buffer *out);

/* Appends the present value; secrets are redacted, an unset one is "(unset)". */
void config_setting_print(const struct config_setting *setting, const struct config *values, struct buffer *out);

/* Releases the strings of all settings. */
void config_settings_done(struct config *values);

#endif
