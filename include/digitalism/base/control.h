/* What a worker and the supervisor say to each other over the worker's control socket: one byte a message.
 * Not here: the socket itself (supervise makes it, api listens on it). Its end of file means that the other is gone. */
#ifndef DIGITALISM_BASE_CONTROL_H
#define DIGITALISM_BASE_CONTROL_H

enum {
    CONTROL_READY = 'r',      /* worker: I serve */
    CONTROL_RECYCLE = 'e',    /* worker: I have answered as many requests as I shall, replace me; I go on meanwhile */
    CONTROL_REOPEN_LOG = 'l', /* supervisor: the log file was moved away, open it anew */
};

#endif
