/* Aligned columns and human units for the status of the workers.
 * Not here: what the numbers mean (supervise/snapshot.c). */
#include "probe/table.h"

#include <stdio.h>
#include <string.h>

enum {
    COLUMN_WORKER,
    COLUMN_STATE,
    COLUMN_PID,
    COLUMN_AGE,
    COLUMN_RESTARTS,
    COLUMN_REQUESTS,
    COLUMN_IN_FLIGHT,
    COLUMN_CONNECTIONS,
    COLUMN_P50,
    COLUMN_P99,
    COLUMN_RSS,
    COLUMN_DATABASE,
    COLUMN_CAUSE,
    COLUMN_COUNT
};

#define CELL_SIZE 64

struct row {
    char cells[COLUMN_COUNT][CELL_SIZE];
};

static const struct row headings = {
    .cells = {[COLUMN_WORKER] = "WORKER",
              [COLUMN_STATE] = "STATE",
              [COLUMN_PID] = "PID",
              [COLUMN_AGE] = "AGE",
              [COLUMN_RESTARTS] = "RESTARTS",
              [COLUMN_REQUESTS] = "REQUESTS",
              [COLUMN_IN_FLIGHT] = "IN FLIGHT",
              [COLUMN_CONNECTIONS] = "CONNECTIONS",
              [COLUMN_P50] = "P50",
              [COLUMN_P99] = "P99",
              [COLUMN_RSS] = "RSS",
              [COLUMN_DATABASE] = "POSTGRESQL",
              [COLUMN_CAUSE] = "LAST RESTART"},
};

static bool is_text_column(int column)
{
    return column == COLUMN_WORKER || column == COLUMN_STATE || column >= COLUMN_DATABASE;
}

/* Copies what a terminal can show as it is. */
static void copy_clean(char *out, size_t size, const char *text)
{
    size_t length = 0;
    for (; text[length] != '\0' && length + 1 < size; length++) {
        out[length] = text[length] >= 0x20 && text[length] < 0x7F ? text[length] : '?';
    }
    out[length] = '\0';
}

static void put_text(char cell[static CELL_SIZE], const struct json_value *object, const char *name)
{
    const char *text = json_member_text(object, name);
    copy_clean(cell, CELL_SIZE, text == NULL ? "-" : text);
}

static void put_number(char cell[static CELL_SIZE], const struct json_value *object, const char *name)
{
    int64_t number = 0;
    bool is_known = json_member_integer(object, name, &number);
    (void) snprintf(cell, CELL_SIZE, is_known ? "%lld" : "-", (long long) number);
}

/* The two largest units, since nobody needs the seconds of a day. */
static void format_age(char cell[static CELL_SIZE], int64_t age_ms)
{
    int64_t seconds = age_ms / 1000;
    if (seconds < 60) {
        (void) snprintf(cell, CELL_SIZE, "%llds", (long long) seconds);
    } else if (seconds < 3600) {
        (void) snprintf(cell, CELL_SIZE, "%lldm%02llds", (long long) (seconds / 60), (long long) (seconds % 60));
    } else if (seconds < 86400) {
        (void) snprintf(cell, CELL_SIZE, "%lldh%02lldm", (long long) (seconds / 3600), (long long) (seconds / 60 % 60));
    } else {
        (void) snprintf(cell, CELL_SIZE, "%lldd%02lldh", (long long) (seconds / 86400),
                        (long long) (seconds / 3600 % 24));
    }
}

static void put_age(char cell[static CELL_SIZE], const struct json_value *object, const char *name)
{
    int64_t age_ms = 0;
    if (json_member_integer(object, name, &age_ms) && age_ms >= 0) {
        format_age(cell, age_ms);
    } else {
        (void) snprintf(cell, CELL_SIZE, "-");
    }
}

/* With "<", because the histogram knows upper bounds only. */
static void put_duration(char cell[static CELL_SIZE], const struct json_value *object, const char *name)
{
    int64_t duration_us = 0;
    if (!json_member_integer(object, name, &duration_us)) {
        (void) snprintf(cell, CELL_SIZE, "-");
    } else if (duration_us < 1000) {
        (void) snprintf(cell, CELL_SIZE, "<%lldus", (long long) duration_us);
    } else if (duration_us < 1000000) {
        (void) snprintf(cell, CELL_SIZE, "<%.1fms", (double) duration_us / 1e3);
    } else {
        (void) snprintf(cell, CELL_SIZE, "<%.1fs", (double) duration_us / 1e6);
    }
}

static void put_bytes(char cell[static CELL_SIZE], const struct json_value *object, const char *name)
{
    int64_t bytes = 0;
    if (json_member_integer(object, name, &bytes)) {
        (void) snprintf(cell, CELL_SIZE, "%.1fM", (double) bytes / (1024.0 * 1024.0));
    } else {
        (void) snprintf(cell, CELL_SIZE, "-");
    }
}

/* What a worker and the totals have in common. */
static void put_sums(struct row *row, const struct json_value *object)
{
    put_number(row->cells[COLUMN_RESTARTS], object, "restarts");
    put_number(row->cells[COLUMN_REQUESTS], object, "requests");
    put_number(row->cells[COLUMN_IN_FLIGHT], object, "in_flight");
    put_number(row->cells[COLUMN_CONNECTIONS], object, "connections");
    put_duration(row->cells[COLUMN_P50], object, "p50_us");
    put_duration(row->cells[COLUMN_P99], object, "p99_us");
    put_bytes(row->cells[COLUMN_RSS], object, "rss_bytes");
}

static struct row worker_row(const struct json_value *worker)
{
    struct row row = {.cells = {""}};
    int64_t slot = 0;
    int64_t pid = 0;
    (void) json_member_integer(worker, "slot", &slot);
    (void) snprintf(row.cells[COLUMN_WORKER], CELL_SIZE, "worker-%lld", (long long) slot);
    put_text(row.cells[COLUMN_STATE], worker, "state");
    put_number(row.cells[COLUMN_PID], worker, "pid");
    put_age(row.cells[COLUMN_AGE], worker, "age_ms");
    put_sums(&row, worker);
    bool has_process = json_member_integer(worker, "pid", &pid);
    (void) snprintf(row.cells[COLUMN_DATABASE], CELL_SIZE, "%s",
                    !has_process                           ? "-"
                    : json_member_true(worker, "database") ? "connected"
                                                           : "away");
    put_text(row.cells[COLUMN_CAUSE], worker, "cause");
    return row;
}

static struct row totals_row(const struct json_value *totals)
{
    struct row row = {.cells = {[COLUMN_WORKER] = "total"}};
    int64_t ready = 0;
    int64_t wanted = 0;
    (void) json_member_integer(totals, "ready", &ready);
    (void) json_member_integer(totals, "wanted", &wanted);
    (void) snprintf(row.cells[COLUMN_STATE], CELL_SIZE, "%lld/%lld ready", (long long) ready, (long long) wanted);
    put_sums(&row, totals);
    return row;
}

static void widen(size_t widths[static COLUMN_COUNT], const struct row *row)
{
    for (int i = 0; i < COLUMN_COUNT; i++) {
        size_t length = strlen(row->cells[i]);
        widths[i] = length > widths[i] ? length : widths[i];
    }
}

static void print_row(struct buffer *out, const size_t widths[static COLUMN_COUNT], const struct row *row)
{
    size_t line_start = out->length;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        int width = (int) widths[i];
        buffer_append_format(out, "%s%*s", i == 0 ? "" : "  ", is_text_column(i) ? -width : width, row->cells[i]);
    }
    while (out->length > line_start && out->data[out->length - 1] == ' ') {
        out->length -= 1;
    }
    buffer_append_char(out, '\n');
}

static void print_workers(struct buffer *out, const struct json_value *status)
{
    size_t widths[COLUMN_COUNT] = {0};
    const struct json_value *first = json_first(json_member(status, "workers"));
    const struct row totals = totals_row(json_member(status, "totals"));
    widen(widths, &headings);
    widen(widths, &totals);
    for (const struct json_value *worker = first; worker != NULL; worker = json_next(worker)) {
        const struct row row = worker_row(worker);
        widen(widths, &row);
    }
    print_row(out, widths, &headings);
    for (const struct json_value *worker = first; worker != NULL; worker = json_next(worker)) {
        const struct row row = worker_row(worker);
        print_row(out, widths, &row);
    }
    print_row(out, widths, &totals);
}

static const char *condition_of(const struct json_value *status)
{
    int64_t ready = 0;
    (void) json_member_integer(json_member(status, "totals"), "ready", &ready);
    if (json_member_true(status, "draining")) {
        return "draining";
    }
    if (ready == 0) {
        return "not serving";
    }
    return json_member_true(status, "degraded") ? "degraded" : "healthy";
}

static void print_head(struct buffer *out, const struct json_value *status)
{
    char version[CELL_SIZE];
    char pid[CELL_SIZE];
    char uptime[CELL_SIZE];
    char url[160];
    const char *url_text = json_member_text(status, "url");
    put_text(version, status, "version");
    put_number(pid, status, "pid");
    put_age(uptime, status, "uptime_ms");
    copy_clean(url, sizeof(url), url_text == NULL ? "-" : url_text);
    buffer_append_format(out, "digitalism %s at %s, pid %s, up %s: %s\n", version, url, pid, uptime,
                         condition_of(status));
}

static void print_load(struct buffer *out, const struct json_value *load)
{
    static const char *const names[] = {"read", "inserted", "updated", "unchanged", "duplicate", "rejected"};
    char cell[CELL_SIZE];
    int64_t duration_ms = 0;
    const char *state = json_member_text(load, "state");
    if (state == NULL || strcmp(state, "none") == 0) {
        buffer_append_text(out, "load: none by this start\n");
        return;
    }
    put_text(cell, load, "state");
    buffer_append_format(out, "load: %s", cell);
    if (json_member_integer(load, "duration_ms", &duration_ms)) {
        put_text(cell, load, "finished");
        buffer_append_format(out, " at %s in %lld ms", cell, (long long) duration_ms);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            put_number(cell, load, names[i]);
            buffer_append_format(out, "%s %s %s", i == 0 ? ":" : ",", cell, names[i]);
        }
    }
    buffer_append_char(out, '\n');
}

void table_print(struct buffer *out, const struct json_value *status)
{
    print_head(out, status);
    buffer_append_char(out, '\n');
    print_workers(out, status);
    buffer_append_char(out, '\n');
    print_load(out, json_member(status, "etl"));
}
