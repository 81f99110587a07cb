/* Hands each phase its settings: the one place that knows both the configuration and the modules.
 * Not here: the order of the phases (main.c). */
#ifndef PHASES_H
#define PHASES_H

#include <stdbool.h>

#include "command_line.h"
#include "digitalism/base/error.h"
#include "digitalism/config.h"
#include "digitalism/db.h"
#include "digitalism/etl.h"
#include "digitalism/scoreboard.h"
#include "digitalism/supervise.h"

/* What every child inherits by fork. */
struct phases {
    const struct config *config;
    struct db_target *target;        /* of the workers */
    struct db_target *direct_target; /* of the stages, when it is another one; else NULL */
    const struct command_line *line;
    struct scoreboard *scoreboard; /* set by main, shared with the children */
    bool is_pending;               /* what migrate's report found, in the child that made it */
};

/* `config` and `line` must outlive the phases. */
int phases_init(struct phases *out, const struct config *config, const struct command_line *line, struct err *err);
void phases_done(struct phases *phases);

/* How the CSV files are written; for what reads them without a phase, too. */
struct etl_format phases_etl_format(const struct config *config);

/* What can be checked before anything runs. */
int phases_check_migrations(const struct phases *phases, struct err *err);
int phases_check_files(const struct phases *phases, struct err *err);

/* The phases; `context` is a struct phases. 0, or a negative code with err filled. */
typedef int phase(void *context, struct err *err);
phase phase_wait_stages; /* for the database as the stages reach it */
phase phase_wait_all;    /* and as the workers do */
phase phase_migrate;
phase phase_etl;
phase phase_etl_report; /* etl runs, etl rejects */
int phase_serve(void *context, const struct supervise_worker *worker, struct err *err);

#endif
