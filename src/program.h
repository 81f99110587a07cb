/* The settings in force and what is made from them: loaded at the start, and again at a reload.
 * Not here: what is run with them (main.c), what each phase takes of them (phases.h). */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "command_line.h"
#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/config.h"
#include "digitalism/supervise.h"
#include "phases.h"

struct program {
    const struct command_line *line;
    struct config_loaded loaded;
    struct phases phases;
};

/* Loads and checks the settings for the line's command. On failure `faults` has them line by line. program_done() is
 * due in both cases. */
int program_load(struct program *out, const struct command_line *line, struct buffer *faults, struct err *err);
void program_done(struct program *program);

/* Opens the log that the settings ask for; stdout with a warning where that cannot be. */
void program_open_log(const struct program *program);

/* The fields of the plan that come from the settings. */
void program_fill_plan(const struct program *program, struct supervise_plan *plan);

/* supervise_plan.reload, with the program as the context: settings that are not good change nothing. */
int program_reload(void *context, struct supervise_plan *plan, struct err *err);

#endif
