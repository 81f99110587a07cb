/* Finding out whether a pooler shares the session of a stage's connection with others.
 * Not here: the workers, who can do without a session (pipeline_session.c). */
#include "db/internal.h"

enum {
    ROUNDS = 3, /* of asking; one tells, where nobody else uses the pooler */
    /* A pooler that keeps sessions apart may have none left for a second connection. */
    SECOND_LIMIT_MS = 2000,
};

static int ask_process(struct db *db, int64_t *pid, struct err *err)
{
    DB_RESULT_AUTO result = NULL;
    int failure = db_query(db, &result, "SELECT pg_catalog.pg_backend_pid()", NULL, 0, err);
    if (failure == 0) {
        *pid = db_result_integer(result, 0, 0);
    }
    return failure;
}

/* The server process of another connection that lives only for this question; 0 when there is none to be had. */
static int ask_another(const struct db_target *target, int stop_fd, int64_t *pid, struct err *err)
{
    DB_AUTO other = NULL;
    const struct db_options options = {.application_name = "digitalism", .connect_timeout_ms = SECOND_LIMIT_MS};
    *pid = 0;
    int failure = db_open_stoppable(&other, target, &options, stop_fd, err);
    if (failure == 0) {
        db_interruptible(other, stop_fd);
        failure = ask_process(other, pid, err);
    }
    return failure == -(int) ERR_DATABASE ? 0 : failure;
}

int db_session_shared(struct db *db, const struct db_target *target, int stop_fd, bool *is_shared, struct err *err)
{
    int64_t pid;
    int failure = ask_process(db, &pid, err);
    bool found = false;
    /* A pooler has no process to name at login, so that a connection without one costs a single question. */
    bool is_open = failure == 0 && pid != db_login_process(db);
    for (int i = 0; i < ROUNDS && failure == 0 && is_open && !found; i++) {
        /* Poolers take the session that was used last, which the other connection then gets, or the one that was not
         * used for longest, which gives this one another. */
        int64_t again = 0;
        int64_t other = 0;
        failure = ask_process(db, &again, err);
        if (failure == 0 && again == pid) {
            failure = ask_another(target, stop_fd, &other, err);
        }
        found = failure == 0 && (again != pid || other == pid);
        is_open = other != 0;
    }
    if (failure == 0) {
        *is_shared = found;
    }
    return failure;
}
