/* The long way to a name's normal form, for the tests that hold the short way against it.
 * Not here: commune_name(), which takes the shorter of the two (commune.h). */
#ifndef COMMUNE_NAME_H
#define COMMUNE_NAME_H

#include "digitalism/commune.h"

/* commune_name() by libunistring alone. */
enum commune_fault commune_name_unicode(struct buffer *out, const char *text, size_t length);

#endif
