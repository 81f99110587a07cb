/* Tables, JSON and SQL for people and scripts.
 * Not here: what it is made of (plan.c). */
#include "migrate/print.h"

#include <string.h>

#include "digitalism/json.h"

size_t migrate_count_pending(const struct migrate_comparison *comparison)
{
    size_t count = 0;
    for (size_t i = 0; i < comparison->count; i++) {
        count += migrate_entry_pending(&comparison->entries[i]) ? 1 : 0;
    }
    return count;
}

void migrate_print_status(struct buffer *out, const struct migrate_comparison *comparison)
{
    int width = (int) strlen("VERSION");
    size_t counts[MIGRATE_STATE_COUNT] = {0};
    for (size_t i = 0; i < comparison->count; i++) {
        int length = (int) strlen(migrate_entry_version(&comparison->entries[i])->text);
        width = length > width ? length : width;
    }
    buffer_append_format(out, "%-*s  %-8s  %-20s  %8s  %s\n", width, "VERSION", "STATE", "APPLIED AT", "MS", "NAME");
    for (size_t i = 0; i < comparison->count; i++) {
        const struct migrate_entry *entry = &comparison->entries[i];
        const struct migrate_row *row = entry->row;
        const char *version = migrate_entry_version(entry)->text;
        counts[entry->state] += 1;
        buffer_append_format(out, "%-*s  %-8s  %-20s  ", width, version[0] == '\0' ? "-" : version,
                             migrate_state_names[entry->state], row == NULL ? "-" : row->applied_at);
        if (row == NULL) {
            buffer_append_format(out, "%8s", "-");
        } else {
            buffer_append_format(out, "%8lld", (long long) row->duration_ms);
        }
        buffer_append_format(out, "  %s\n", migrate_entry_name(entry));
    }
    buffer_append_format(out, "%zu migrations:", comparison->count);
    for (size_t i = 0; i < MIGRATE_STATE_COUNT; i++) {
        if (counts[i] > 0 || i == MIGRATE_STATE_PENDING) {
            buffer_append_format(out, " %zu %s,", counts[i], migrate_state_names[i]);
        }
    }
    out->length -= buffer_failed(out) ? 0 : 1; /* the last comma */
    buffer_append_text(out, "\n");
}

static void print_entry(struct json_writer *writer, const struct migrate_entry *entry)
{
    const char *version = migrate_entry_version(entry)->text;
    const struct migrate_row *row = entry->row;
    json_open_object(writer);
    json_key(writer, "version");
    json_string(writer, version[0] == '\0' ? NULL : version);
    json_key(writer, "name");
    json_string(writer, migrate_entry_name(entry));
    json_key(writer, "state");
    json_string(writer, migrate_state_names[entry->state]);
    json_key(writer, "sha256");
    json_string(writer, entry->file != NULL ? entry->file->sha256 : NULL);
    json_key(writer, "applied_sha256");
    json_string(writer, row != NULL ? row->sha256 : NULL);
    json_key(writer, "kind");
    json_string(writer, row != NULL ? migrate_row_kind_names[row->kind] : NULL);
    json_key(writer, "applied_at");
    json_string(writer, row != NULL ? row->applied_at : NULL);
    json_key(writer, "applied_by");
    json_string(writer, row != NULL ? row->applied_by : NULL);
    json_key(writer, "binary_version");
    json_string(writer, row != NULL ? row->binary_version : NULL);
    json_key(writer, "duration_ms");
    if (row == NULL) {
        json_null(writer);
    } else {
        json_integer(writer, row->duration_ms);
    }
    json_close_object(writer);
}

void migrate_print_json(struct buffer *out, const struct migrate_comparison *comparison)
{
    struct json_writer writer = json_writer_init(out);
    json_open_object(&writer);
    json_key(&writer, "pending");
    json_integer(&writer, (int64_t) migrate_count_pending(comparison));
    json_key(&writer, "migrations");
    json_open_array(&writer);
    for (size_t i = 0; i < comparison->count; i++) {
        print_entry(&writer, &comparison->entries[i]);
    }
    json_close_array(&writer);
    json_close_object(&writer);
    buffer_append_text(out, "\n");
}

void migrate_print_plan(struct buffer *out, const struct migrate_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct migrate_source *source = &plan->items[i]->file->up;
        const struct migrate_part *part = &source->part;
        buffer_append_format(out, "-- %s\n", source->path);
        buffer_append(out, buffer_text(&source->text) + part->start, part->end - part->start);
        bool ends_line = out->length > 0 && out->data[out->length - 1] == '\n';
        buffer_append_text(out, ends_line ? "\n" : "\n\n");
    }
    if (plan->count == 0) {
        buffer_append_text(out, "-- nothing to apply\n");
    }
}
