/* The outcome of a run as people and programs read it.
 * Not here: counting. */
#include <inttypes.h>

#include "digitalism/base/buffer.h"
#include "digitalism/etl.h"
#include "digitalism/json.h"
#include "etl/ledger.h"

/* The counts in the order in which they are told. */
#define COUNT_LABELS 7
static const char *const labels[COUNT_LABELS] = {"read",     "inserted",           "updated", "unchanged", "duplicate",
                                                 "rejected", "without coordinates"};
static const char *const members[COUNT_LABELS] = {"read",     "inserted",           "updated", "unchanged", "duplicate",
                                                  "rejected", "without_coordinates"};

static void list_counts(uint64_t out[static COUNT_LABELS], const struct etl_counts *counts)
{
    const uint64_t all[] = {
        counts->read,     counts->inserted,           counts->updated, counts->unchanged, counts->duplicate,
        counts->rejected, counts->without_coordinates};
    for (size_t i = 0; i < COUNT_LABELS; i++) {
        out[i] = all[i];
    }
}

static const char *plural(size_t count)
{
    return count == 1 ? "file" : "files";
}

void etl_summary_print(const struct etl_options *options, const struct etl_summary *summary, struct buffer *out)
{
    uint64_t counts[COUNT_LABELS];
    list_counts(counts, &summary->counts);
    buffer_append_format(out, "%zu %s %s in %.2f s", summary->files, plural(summary->files),
                         options->is_dry ? "checked, nothing written," : "loaded",
                         (double) summary->duration_ms / 1000.0);
    if (summary->files_unchanged > 0) {
        buffer_append_format(out, ", nothing new in %zu %s", summary->files_unchanged,
                             plural(summary->files_unchanged));
    }
    buffer_append_char(out, '\n');
    for (size_t i = 0; i < COUNT_LABELS; i++) {
        buffer_append_format(out, "  %-19s %10" PRIu64 "%s\n", labels[i], counts[i],
                             i + 1 == COUNT_LABELS ? " (among the rows above)" : "");
    }
}

void etl_summary_json(const struct etl_options *options, const struct etl_summary *summary, struct buffer *out)
{
    uint64_t counts[COUNT_LABELS];
    list_counts(counts, &summary->counts);
    struct json_writer json = json_writer_init(out);
    json_open_object(&json);
    json_key(&json, "mode");
    json_string(&json, etl_mode_names[options->mode]);
    json_key(&json, "dry_run");
    json_boolean(&json, options->is_dry);
    json_key(&json, "files");
    json_integer(&json, (int64_t) summary->files);
    json_key(&json, "files_unchanged");
    json_integer(&json, (int64_t) summary->files_unchanged);
    json_key(&json, "run");
    if (summary->last_run == 0) {
        json_null(&json);
    } else {
        json_integer(&json, summary->last_run);
    }
    for (size_t i = 0; i < COUNT_LABELS; i++) {
        json_key(&json, members[i]);
        json_integer(&json, (int64_t) counts[i]);
    }
    json_key(&json, "geocoded");
    json_integer(&json, (int64_t) summary->geocoded);
    json_key(&json, "duration_ms");
    json_integer(&json, summary->duration_ms);
    json_close_object(&json);
    buffer_append_char(out, '\n');
}
