/* What went wrong, in a form that can be shown to an operator: a code, a message, and a hint.
 * Not here: logging it (base/log.h), and turning it into an exit code (main). */
#ifndef DIGITALISM_BASE_ERROR_H
#define DIGITALISM_BASE_ERROR_H

#include <stdbool.h>

/* The kinds of failure that callers tell apart. The name of each stands in err_code_name(). */
enum err_code {
    ERR_NONE,
    ERR_INTERNAL,    /* our own mistake, or the machine's: no memory, no descriptors, fork refused */
    ERR_CONFIG,      /* a flag, a setting or a file named by one */
    ERR_DATABASE,    /* PostgreSQL is not available, or refuses the login or a statement */
    ERR_MIGRATION,   /* a migration failed or was refused */
    ERR_ETL,         /* loading failed or went over its reject limit */
    ERR_LISTEN,      /* an address cannot be listened on, or the workers cannot live */
    ERR_REMOTE,      /* an HTTP server that we ask is not available, or its answer is no use */
    ERR_INTERRUPTED, /* a stop was asked for before the work was done */
    ERR_CODE_COUNT
};

/* Filled by what fails; owned by the caller, needs no release. A longer text is cut, with an ellipsis. */
struct err {
    enum err_code code;
    bool transient;     /* trying the same again later may succeed */
    char sqlstate[6];   /* the five characters that PostgreSQL reported, else "" */
    char message[2048]; /* what failed, on which object, why; lower case, no full stop; further lines show it */
    char hint[512];     /* what an operator can do about it, else "" */
};

/* Fills *err (which may be NULL), forgetting what it held. Returns -code, so that `return err_set(…)` reads well. */
int err_set(struct err *err, enum err_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As err_set with ": " and the text of the given errno value behind the message. */
int err_set_errno(struct err *err, enum err_code code, int errno_value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Sets the hint of an error that is already filled. */
void err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts context and ": " before the message, keeping all else. Returns -code. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives a kept error another code, for the phase that knows what the failure means there. Returns -code. */
int err_recode(struct err *err, enum err_code code);

/* The name of a code, for logs and tests ("database"). Never NULL. */
const char *err_code_name(enum err_code code);

#endif
