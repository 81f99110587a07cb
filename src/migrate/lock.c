/* The advisory lock that lets one starter at a time migrate a database.
 * Not here: what is done while it is held (migrate.c). */
#include "migrate/lock.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "digitalism/base/clock.h"
#include "digitalism/base/log.h"
#include "digitalism/base/stop.h"

/* The bytes "digitali" as a number, so that no other program's lock is met by chance. Never change it: programs of
 * different versions must exclude each other. */
#define LOCK_KEY "7235427978969181289"

#define POLL_FIRST_MS 100
#define POLL_MAX_MS   500
#define TELL_EVERY_MS 10000

struct holder {
    int64_t pid; /* 0: nobody any more */
    char query[128];
};

#define POOLER_HINT                                                                                                    \
    "set MIGRATION_DATABASE_URL to where PostgreSQL itself listens, or let the pooler keep sessions apart "            \
    "(pool_mode=session)"

/* The row of pg_locks that is our lock. */
#define IS_OUR_LOCK                                                                                                    \
    "l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"                                                         \
    " AND (l.classid::bigint << 32 | l.objid::bigint) = " LOCK_KEY                                                     \
    " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"

int migrate_refuse_pooler(struct db *db, const struct db_target *target, int stop_fd, struct err *err)
{
    bool is_shared;
    int failure = db_session_shared(db, target, stop_fd, &is_shared, err);
    if (failure != 0 || !is_shared) {
        return failure;
    }
    (void) err_set(err, ERR_MIGRATION,
                   "%s is a pooler in transaction mode: the lock that lets one starter at a time migrate would exclude "
                   "nobody there",
                   db_target_text(target));
    err_hint(err, POOLER_HINT);
    return -(int) ERR_MIGRATION;
}

/* PostgreSQL grants a session what it holds already. Holding it before we ask means that the session is another
 * starter's too, or was left to us with the lock: to be granted it would be to migrate at the same time. */
static int try_lock(struct db *db, bool *locked, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(db, &result,
                           "SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = pg_backend_pid()"
                           " AND " IS_OUR_LOCK ") THEN NULL ELSE pg_try_advisory_lock(" LOCK_KEY ") END,"
                           " pg_backend_pid()",
                           NULL, 0, err);
    if (failure != 0) {
        return err_prefix(err, "cannot take the migration lock");
    }
    if (db_result_null(result, 0, 0)) {
        (void) err_set(err, ERR_MIGRATION,
                       "server process %s, which a pooler gave to this starter, holds another starter's migration lock",
                       db_result_text(result, 0, 1));
        err_hint(err, POOLER_HINT "; when nobody is migrating, free the lock with SELECT pg_terminate_backend(%s)",
                 db_result_text(result, 0, 1));
        return -(int) ERR_MIGRATION;
    }
    *locked = db_result_boolean(result, 0, 0);
    return 0;
}

static int find_holder(struct db *db, struct holder *holder, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(db, &result,
                           "SELECT l.pid, coalesce(left(a.query, 100), '') FROM pg_catalog.pg_locks l"
                           " LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
                           " WHERE " IS_OUR_LOCK,
                           NULL, 0, err);
    if (failure == 0 && db_result_rows(result) > 0) {
        holder->pid = db_result_integer(result, 0, 0);
        (void) snprintf(holder->query, sizeof(holder->query), "%s", db_result_text(result, 0, 1));
    }
    return failure;
}

static int give_up(const struct holder *holder, int64_t timeout_ms, struct err *err)
{
    (void) err_set(err, ERR_MIGRATION,
                   "another starter is migrating this database and did not finish within %" PRId64
                   " ms: server process %" PRId64 ", at \"%s\"",
                   timeout_ms, holder->pid, holder->query);
    err_hint(err, "when it hangs, end it with SELECT pg_terminate_backend(%" PRId64 ")", holder->pid);
    return -(int) ERR_MIGRATION;
}

int migrate_lock(struct db *db, int64_t timeout_ms, int stop_fd, struct err *err)
{
    const int64_t deadline_ms = clock_now_ms() + timeout_ms;
    struct backoff backoff = {.first_ms = POLL_FIRST_MS, .max_ms = POLL_MAX_MS};
    int64_t tell_at_ms = clock_now_ms();
    for (;;) {
        bool locked = false;
        int failure = try_lock(db, &locked, err);
        if (failure != 0 || locked) {
            return failure;
        }
        int64_t remaining_ms = clock_remaining_ms(deadline_ms);
        if (remaining_ms == 0 || clock_remaining_ms(tell_at_ms) == 0) {
            struct holder holder = {.pid = 0, .query = ""};
            failure = find_holder(db, &holder, err);
            if (failure != 0) {
                return failure;
            }
            if (remaining_ms == 0) {
                return give_up(&holder, timeout_ms, err);
            }
            if (holder.pid != 0) {
                log_info("waiting for another starter that is migrating this database: server process %" PRId64
                         ", at \"%s\"",
                         holder.pid, holder.query);
                tell_at_ms = clock_now_ms() + TELL_EVERY_MS;
            }
        }
        failure = stop_sleep(stop_fd, clock_earlier(backoff_next_ms(&backoff), remaining_ms), err);
        if (failure != 0) {
            return failure;
        }
    }
}

int migrate_unlock(struct db *db, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(db, &result, "SELECT pg_advisory_unlock(" LOCK_KEY ")", NULL, 0, err);
    if (failure != 0) {
        return err_prefix(err, "cannot give the migration lock back");
    }
    if (!db_result_boolean(result, 0, 0)) {
        (void) err_set(err, ERR_MIGRATION, "the migration lock was not held any more when it was given back");
        err_hint(err, "a migration unlocks all, or a pooler shares the session: then " POOLER_HINT);
        return -(int) ERR_MIGRATION;
    }
    return 0;
}
