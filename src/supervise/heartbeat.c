/* Whether the workers that are ready show life.
 * Not here: stamping the heartbeat (api), what is done with a worker that hangs (workers.c). */
#include "digitalism/base/log.h"
#include "supervise/workers.h"

/* The last time that the slot's present worker showed life. */
static int64_t last_sign_ms(const struct workers *workers, const struct slot *slot)
{
    const struct scoreboard_slot *shown = &workers->scoreboard->slots[slot - workers->slots];
    int64_t heartbeat_ms = atomic_load_explicit(&shown->heartbeat_ms, memory_order_relaxed);
    int64_t ready_ms = slot->workers[PLACE_PRESENT].ready_ms;
    return heartbeat_ms > ready_ms ? heartbeat_ms : ready_ms;
}

static int64_t hang_deadline_ms(const struct workers *workers, const struct slot *slot)
{
    bool is_ready = slot->workers[PLACE_PRESENT].state == SCOREBOARD_READY;
    return is_ready ? last_sign_ms(workers, slot) + POLICY_HANG_LIMIT_MS : CLOCK_NEVER;
}

int64_t workers_heartbeat_deadline_ms(const struct workers *workers, const struct slot *slot)
{
    int64_t hang_ms = hang_deadline_ms(workers, slot);
    if (hang_ms == CLOCK_NEVER) {
        return CLOCK_NEVER;
    }
    int64_t look_ms =
        slot->suspect ? clock_now_ms() + POLICY_SUSPECT_PERIOD_MS : hang_ms - POLICY_HANG_LIMIT_MS + POLICY_SUSPECT_MS;
    return clock_earlier(hang_ms, look_ms);
}

void workers_check_heartbeat(struct workers *workers, struct slot *slot, int64_t now_ms)
{
    const struct worker *present = &slot->workers[PLACE_PRESENT];
    bool is_suspect = present->state == SCOREBOARD_READY && now_ms - last_sign_ms(workers, slot) >= POLICY_SUSPECT_MS;
    if (is_suspect != slot->suspect) {
        slot->suspect = is_suspect;
        workers->steering_stale = true;
        if (is_suspect) {
            log_warn("%s (pid %d) shows no life for %d s, new connections go to the others, continuing", slot->role,
                     (int) present->pid, POLICY_SUSPECT_MS / 1000);
        } else if (present->state == SCOREBOARD_READY) {
            log_info("%s (pid %d) shows life again", slot->role, (int) present->pid);
        }
    }
    if (hang_deadline_ms(workers, slot) <= now_ms) {
        workers_event(workers, slot, PLACE_PRESENT, POLICY_LATE, "its event loop hangs");
    }
}
