/* One worker of the API: what its handlers share, and the pieces around them.
 * Not here: the resources' own tables (resource.h). */
#ifndef DIGITALISM_API_WORKER_H
#define DIGITALISM_API_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "digitalism/api.h"
#include "digitalism/base/buffer.h"
#include "digitalism/db_pipeline.h"
#include "digitalism/http.h"

/* The link to PostgreSQL: the pipeline, and what the loop watches for it. */
struct api_database {
    struct db_pipeline *pipeline;
    struct http_watch *watch; /* NULL while there is no descriptor */
    unsigned watched_generation;
    struct http_timer *timer;
    int64_t armed_ms; /* when the timer goes off; CLOCK_NEVER: it does not */
    bool was_connected;
    struct err told; /* the failure that was logged last */
};

/* Access log lines on their way to the log. */
struct api_access {
    struct buffer lines;
    struct http_timer *timer;
    bool armed;
};

struct api_worker {
    const struct api_options *options;
    struct http_server *server;
    struct api_database database;
    struct api_access access;
    struct http_watch *stop_watch;
    struct http_watch *control_watch;
    struct http_timer *drain_timer;
    struct http_timer *heartbeat_timer;
    pid_t pid;         /* this process */
    uint64_t answered; /* requests, by this process */
    size_t long_lists; /* being asked for at this moment */
    bool ready;        /* the supervisor was told */
    bool draining;
    bool overdue;   /* the drain's limit came before its end */
    bool given_up;  /* nothing is expected of PostgreSQL any more */
    bool abandoned; /* the supervisor is gone */
};

/* api.c: answers what is there and ends. Calling it again changes nothing. */
void api_drain(struct api_worker *worker, const char *reason);
/* Watches a descriptor for reading. */
int api_watch(struct api_worker *worker, struct http_watch **out, int fd, void (*callback)(void *, int),
              struct err *err);

/* control.c: what the supervisor is told, and what it says. */
int api_control_open(struct api_worker *worker, struct err *err);
void api_control_close(struct api_worker *worker);
void api_control_ready(const struct api_worker *worker);
void api_control_recycle(const struct api_worker *worker);

/* slot.c: this worker on the scoreboard. Its heartbeat begins when it is ready and ends when it drains. */
int api_slot_open(struct api_worker *worker, struct err *err);
void api_slot_close(struct api_worker *worker);
void api_slot_ready(struct api_worker *worker);
void api_slot_turn(struct api_worker *worker); /* at the end of a turn: what it holds now */
void api_slot_count(struct api_worker *worker, int64_t duration_us);

/* database.c: everything that the loop must know about the pipeline. Starts to connect. */
int api_database_open(struct api_worker *worker, struct err *err);
void api_database_close(struct api_worker *worker);
/* Ends the turn: sends what was queued, and watches what is to be watched. */
void api_database_give_up(struct api_worker *worker); /* what waits for PostgreSQL is answered without it */
void api_database_turn(struct api_worker *worker);

/* access.c: counts and logs answers. Closed before the server is freed, done after that. */
int api_access_open(struct api_worker *worker, struct err *err);
void api_access_close(struct api_worker *worker);
void api_access_done(struct api_worker *worker);
void api_access_flush(struct api_worker *worker);
void api_access_log(const struct http_access *access, void *worker);

/* routes.c */
extern const struct http_route api_routes[];
extern const size_t api_route_count;

#endif
