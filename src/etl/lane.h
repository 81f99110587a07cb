/* A connection that batches go through, several on their way at once, their answers taken in order.
 * Not here: which batch goes through which lane (loader.h). */
#ifndef ETL_LANE_H
#define ETL_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/error.h"
#include "digitalism/db.h"
#include "digitalism/etl.h"
#include "etl/batch.h"
#include "etl/rejects.h"

#define LANE_BATCHES_MAX 16
#define LANE_BYTES_MAX   ((size_t) 1 << 20) /* of the batches on their way; one that is larger goes alone */

struct batch_queue {
    struct batch *first;
    struct batch *last;
    size_t count;
    size_t bytes;
};

/* Zeroed at first; made with lane_open(), released with lane_close(). */
struct lane {
    struct db *db;
    enum etl_mode mode;
    bool is_dry;
    struct batch_queue on_way;
    struct batch_queue failed;  /* a refused batch and those behind it that found the gate closed */
    struct batch *spare;        /* to be filled again */
    struct etl_counts pending;  /* committed, but not known to be on the disk */
    struct etl_counts *durable; /* the owner's: what is on the disk, from all lanes */
    struct rejects_tally *tally;
    unsigned since_barrier; /* batches */
    bool is_fresh;          /* all rows are thought to be new */
    bool was_wrong;         /* a batch of which that was thought was refused */
    size_t new_rows;        /* in a row, up to now */
    int stop_fd;            /* ends the search for refused rows */
};

/* Connects, and readies the session for the mode. */
int lane_open(struct lane *lane, const struct etl_options *options, struct err *err);
void lane_close(struct lane *lane);

/* Whether one more batch may be sent. */
bool lane_has_room(const struct lane *lane, const struct batch *batch);

/* An empty batch, to be given back by lane_send(). NULL when memory is short. */
struct batch *lane_batch(struct lane *lane);

/* Sends a batch and takes it over. There must be room. */
int lane_send(struct lane *lane, struct batch *batch, struct err *err);

/* Takes the answers that have arrived, and mends what was refused: rows that PostgreSQL does not take become rejects,
 * the others are loaded. Waits only while mending. */
int lane_receive(struct lane *lane, struct err *err);

#endif
