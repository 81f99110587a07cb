/* Time limits of connections. Each kind has one duration, so a list in order of starting is in order of ending, and
 * starting and stopping cost nothing; one timer of the loop serves them all.
 * Not here: what happens at the end (connection.h). */
#ifndef DIGITALISM_HTTP_DEADLINE_H
#define DIGITALISM_HTTP_DEADLINE_H

#include <stdint.h>

enum deadline_kind {
    DEADLINE_HEADER,     /* from the first byte of a request to the end of its head */
    DEADLINE_BODY,       /* from there to the end of its body */
    DEADLINE_KEEP_ALIVE, /* no request at all */
    DEADLINE_FIRST,      /* while draining: a new connection's first request */
    DEADLINE_LINGER,     /* the last answer is sent; the client's end is awaited */
    DEADLINE_WRITE,      /* the client takes nothing of an answer */
    DEADLINE_KIND_COUNT,
    DEADLINE_NONE = DEADLINE_KIND_COUNT
};

struct deadline {
    struct deadline *previous;
    struct deadline *next;
    int64_t at_ms;
    enum deadline_kind kind; /* DEADLINE_NONE while stopped */
};

struct deadline_lists {
    struct deadline *first[DEADLINE_KIND_COUNT];
    struct deadline *last[DEADLINE_KIND_COUNT];
    int64_t duration_ms[DEADLINE_KIND_COUNT];
};

void deadline_init(struct deadline *deadline);

/* (Re)starts it at the end of its list. */
void deadline_start(struct deadline_lists *lists, struct deadline *deadline, enum deadline_kind kind, int64_t now_ms);
void deadline_stop(struct deadline_lists *lists, struct deadline *deadline);

/* Takes one that is over out of its list; NULL when none is. Its kind goes to `*kind`. */
struct deadline *deadline_take_expired(struct deadline_lists *lists, int64_t now_ms, enum deadline_kind *kind);

/* When the next one ends; CLOCK_NEVER when none runs. */
int64_t deadline_next_ms(const struct deadline_lists *lists);

#endif
