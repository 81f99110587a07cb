/* Whether a name looks like a misspelt other one. Pure. Not here: the list of names (settings.h). */
#ifndef CONFIG_NEARNESS_H
#define CONFIG_NEARNESS_H

#include <stdbool.h>

/* True when the two differ in case only, or, where both have more than 4 characters, by one letter that is missing,
 * added, replaced, or exchanged with its neighbour. False for equal names. */
bool config_near(const char *name, const char *known);

#endif
