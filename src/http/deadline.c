/* Lists of running time limits, one for each kind. Pure.
 * Not here: the timer that wakes the loop (server.c). */
#include "http/deadline.h"

#include <stddef.h>

#include "digitalism/base/clock.h"

void deadline_init(struct deadline *deadline)
{
    *deadline = (struct deadline){.kind = DEADLINE_NONE};
}

void deadline_stop(struct deadline_lists *lists, struct deadline *deadline)
{
    if (deadline->kind == DEADLINE_NONE) {
        return;
    }
    struct deadline **before = deadline->previous == NULL ? &lists->first[deadline->kind] : &deadline->previous->next;
    struct deadline **behind = deadline->next == NULL ? &lists->last[deadline->kind] : &deadline->next->previous;
    *before = deadline->next;
    *behind = deadline->previous;
    deadline_init(deadline);
}

void deadline_start(struct deadline_lists *lists, struct deadline *deadline, enum deadline_kind kind, int64_t now_ms)
{
    deadline_stop(lists, deadline);
    deadline->kind = kind;
    deadline->at_ms = now_ms + lists->duration_ms[kind];
    deadline->previous = lists->last[kind];
    if (deadline->previous == NULL) {
        lists->first[kind] = deadline;
    } else {
        deadline->previous->next = deadline;
    }
    lists->last[kind] = deadline;
}

struct deadline *deadline_take_expired(struct deadline_lists *lists, int64_t now_ms, enum deadline_kind *kind)
{
    for (unsigned i = 0; i < DEADLINE_KIND_COUNT; i++) {
        struct deadline *first = lists->first[i];
        if (first != NULL && first->at_ms <= now_ms) {
            *kind = first->kind;
            deadline_stop(lists, first);
            return first;
        }
    }
    return NULL;
}

int64_t deadline_next_ms(const struct deadline_lists *lists)
{
    int64_t next_ms = CLOCK_NEVER;
    for (unsigned i = 0; i < DEADLINE_KIND_COUNT; i++) {
        if (lists->first[i] != NULL) {
            next_ms = clock_earlier(next_ms, lists->first[i]->at_ms);
        }
    }
    return next_ms;
}
