/* Adding to the entries, for the readers of the sources.
 * Not here: reading them (sources.h). */
#ifndef CONFIG_ENTRIES_H
#define CONFIG_ENTRIES_H

#include "config/sources.h"

/* A part of a text, not NUL-terminated. */
struct config_text {
    const char *data;
    size_t length;
};

/* Copies all three. A memory failure is remembered in `entries->failed`. */
void config_entries_add(struct config_entries *entries, enum config_source source, struct config_text name,
                        struct config_text value, const char *place);

#endif
