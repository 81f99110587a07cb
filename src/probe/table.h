/* A status object as people read it. Pure.
 * Not here: where it comes from (status.c). */
#ifndef PROBE_TABLE_H
#define PROBE_TABLE_H

#include "digitalism/base/buffer.h"
#include "digitalism/json.h"

/* Appends several lines. What the object lacks is shown as "-"; no control character of it reaches the terminal. */
void table_print(struct buffer *out, const struct json_value *status);

#endif
