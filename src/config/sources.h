/* Reading names and values out of flags, the environment, .env and INI text, each with the place it stands at.
 * The only user of inih. Not here: which names are settings, which value wins. */
#ifndef CONFIG_SOURCES_H
#define CONFIG_SOURCES_H

#include <stddef.h>

#include "digitalism/base/buffer.h"
#include "digitalism/config.h"

#define CONFIG_FILE_BYTES_MAX ((size_t) 1024 * 1024)
#define CONFIG_LINE_BYTES_MAX (16 * 1024)

struct config_entry {
    char *name;
    char *value;
    char *place; /* ".env:3", "environment", "flag" */
    enum config_source source;
};

/* What was read, in the order it was read. Starts as all zeroes; release with config_entries_done(). */
struct config_entries {
    struct config_entry *items;
    size_t count;
    size_t capacity;
    bool failed; /* memory was short, an entry is missing */
};
void config_entries_done(struct config_entries *entries);

/* The last entry of that source with that name and a value that is not empty, or NULL. */
const struct config_entry *config_entries_find(const struct config_entries *entries, enum config_source source,
                                               const char *name);

/* Fault lines of all kinds, counted. */
struct config_faults {
    struct buffer *lines;
    size_t count;
};
void config_fault(struct config_faults *faults, const char *format, ...) __attribute__((format(printf, 2, 3)));

void config_read_flags(struct config_entries *entries, const struct config_flag *flags, size_t count);
void config_read_environment(struct config_entries *entries, char *const *environment);

/* KEY=VALUE lines: `export ` before the key, `#` comments, '…' as it stands, "…" with \n \" \\ \$ escapes; no
 * expansion, no value over several lines. `file` names the text in places and faults. */
void config_read_dotenv(struct config_entries *entries, const char *text, size_t length, const char *file,
                        struct config_faults *faults);

/* INI as inih reads it, without continuation lines. A key of a section gets the name SECTION_KEY; without a section, or
 * in [digitalism], it is the name. Names are turned to upper case. */
void config_read_ini(struct config_entries *entries, const char *text, size_t length, const char *file,
                     struct config_faults *faults);

#endif
