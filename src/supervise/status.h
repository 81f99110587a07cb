/* Telling `digitalism status` what the scoreboard says, over a local socket.
 * Not here: the socket's name (base/local.h), the words (snapshot.h), asking and printing (probe). */
#ifndef SUPERVISE_STATUS_H
#define SUPERVISE_STATUS_H

#include "digitalism/base/error.h"
#include "digitalism/scoreboard.h"

/* Listens for the instance that serves at `url` ("http://127.0.0.1:8000"). Returns a non-blocking descriptor, readable
 * when somebody asks; -ERR_LISTEN when the name is taken, -ERR_INTERNAL. Its failure need not keep anybody from
 * serving.
 */
int status_open(const char *url, struct err *err);

/* Answers those who have asked, a limited number at once, each with one JSON object and a newline, and hangs up. Never
 * waits. Who is neither root nor of our own user gets nothing. */
void status_answer(int fd, const struct scoreboard *scoreboard);

#endif
