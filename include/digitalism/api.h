/* The communes API: the routes of one HTTP worker and their SQL. Not here: HTTP itself (http.h), libpq (db.h). */
#ifndef DIGITALISM_API_H
#define DIGITALISM_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "digitalism/scoreboard.h"

struct api_options {
    const struct db_target *target;
    int listener_fd; /* taken over */
    int control_fd;  /* see base/control.h; its end of file ends the worker */
    bool access_log;
    int64_t graceful_timeout_ms;
    uint64_t requests_max;        /* answered so many, the worker asks to be replaced; 0: never */
    struct scoreboard_slot *slot; /* this worker's own */
    const struct scoreboard *scoreboard;
};

/* Serves until SIGTERM, then drains. PostgreSQL may come and go meanwhile. */
int api_serve(const struct api_options *options, struct err *err);

#endif
