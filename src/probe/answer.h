/* Reading the head of an HTTP answer, no more of it than a health check needs. Pure.
 * Not here: getting it from a socket. */
#ifndef PROBE_ANSWER_H
#define PROBE_ANSWER_H

#include <stddef.h>

/* The status (100 … 599) of an answer whose head is complete; 0 while more must be read; -1 when this is no HTTP/1
 * answer (RFC 9112, section 4), said as soon as it is known. */
int probe_answer_status(const char *text, size_t length);

#endif
