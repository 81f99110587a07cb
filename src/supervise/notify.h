/* Telling a service manager how we are: the protocol of sd_notify(3), without its library.
 * Not here: when (supervise). Without NOTIFY_SOCKET in the environment nothing is done; nothing ever blocks, and what
 * cannot be sent is a debug line: the manager has deadlines of its own. */
#ifndef SUPERVISE_NOTIFY_H
#define SUPERVISE_NOTIFY_H

#define NOTIFY_STATUS_BYTES_MAX 256

void notify_ready(void); /* also when a reload is done */
void notify_stopping(void);
void notify_reloading(void);
void notify_status(const char *text); /* its first line, cut at NOTIFY_STATUS_BYTES_MAX */

#endif
