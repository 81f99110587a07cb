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
    int ready_fd;    /* gets one byte when the worker serves; its end of file ends the worker */
    bool access_log;
    int64_t graceful_timeout_ms;
    struct scoreboard_slot *slot; /* this worker's own */
};

/* Serves until SIGTERM, then drains. PostgreSQL may come and go meanwhile. */
int api_serve(const struct api_options *options, struct err *err);

#endif
