/* The counts of a run as people read them.
 * Not here: counting. */
#include <inttypes.h>

#include "digitalism/base/buffer.h"
#include "digitalism/etl.h"

void etl_summary_print(const struct etl_summary *summary, struct buffer *out)
{
    const struct {
        const char *label;
        uint64_t count;
        const char *note;
    } lines[] = {
        {"read", summary->read, ""},
        {"inserted", summary->inserted, ""},
        {"updated", summary->updated, ""},
        {"unchanged", summary->unchanged, ""},
        {"duplicate", summary->duplicate, ""},
        {"rejected", summary->rejected, ""},
        {"without coordinates", summary->without_coordinates, " (among the rows above)"},
    };
    buffer_append_format(out, "%zu %s loaded in %.2f s\n", summary->files, summary->files == 1 ? "file" : "files",
                         (double) summary->duration_ms / 1000.0);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        buffer_append_format(out, "  %-19s %10" PRIu64 "%s\n", lines[i].label, lines[i].count, lines[i].note);
    }
}
