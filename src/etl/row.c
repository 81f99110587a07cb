/* The rules that make a record a row, each with its own way to fail.
 * Not here: the normal forms themselves (commune.h). */
#include "etl/row.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

const char *const row_column_names[] = {
    [ROW_COLUMN_NAME] = "nom_commune",
    [ROW_COLUMN_POSTAL_CODE] = "code_postal",
    [ROW_COLUMN_DEPARTMENT] = "code_departement",
    [ROW_COLUMN_LATITUDE] = "latitude",
    [ROW_COLUMN_LONGITUDE] = "longitude",
    [ROW_COLUMN_COORDINATES] = "coordonnees_gps",
};
static_assert(sizeof(row_column_names) / sizeof(row_column_names[0]) == ROW_COLUMN_COUNT, "every column has a name");

/* White space around a header's name, no-break space included. */
static struct csv_field trimmed(struct csv_field field)
{
    for (;;) {
        size_t skip = 0;
        if (field.length >= 1 && strchr(" \t\r\n", field.text[0]) != NULL && field.text[0] != '\0') {
            skip = 1;
        } else if (field.length >= 2 && memcmp(field.text, "\xC2\xA0", 2) == 0) {
            skip = 2;
        }
        if (skip == 0) {
            break;
        }
        field.text += skip;
        field.length -= skip;
    }
    for (;;) {
        const char *end = field.text + field.length;
        if (field.length >= 1 && strchr(" \t\r\n", end[-1]) != NULL && end[-1] != '\0') {
            field.length -= 1;
        } else if (field.length >= 2 && memcmp(end - 2, "\xC2\xA0", 2) == 0) {
            field.length -= 2;
        } else {
            return field;
        }
    }
}

int row_layout_find(struct row_layout *layout, const struct csv_record *header, const char **repeated)
{
    int found = 0;
    *repeated = NULL;
    layout->width = header->field_count;
    if (header->field_count > 1 && header->fields[header->field_count - 1].length == 0) {
        layout->width -= 1;
    }
    for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
        const char *name = row_column_names[column];
        layout->index[column] = -1;
        for (size_t i = 0; i < header->field_count; i++) {
            struct csv_field field = trimmed(header->fields[i]);
            if (field.length != strlen(name) || strncasecmp(field.text, name, field.length) != 0) {
                continue;
            }
            if (layout->index[column] >= 0) {
                *repeated = name;
                continue;
            }
            layout->index[column] = (int) i;
            found += 1;
        }
    }
    return found;
}

bool row_layout_complete(const struct row_layout *layout)
{
    for (size_t column = 0; column < ROW_COLUMNS_REQUIRED; column++) {
        if (layout->index[column] < 0) {
            return false;
        }
    }
    return true;
}

/* A field by column; one that the record is too short for, or that the file has not, is empty. */
static struct csv_field field_of(const struct csv_record *record, const struct row_layout *layout,
                                 enum row_column column)
{
    int index = layout->index[column];
    if (index < 0 || (size_t) index >= record->field_count) {
        return (struct csv_field){.text = "", .length = 0};
    }
    return record->fields[index];
}

static enum row_status refuse(struct row_reject *reject, const char *column, const char *code, const char *reason,
                              struct csv_field value)
{
    *reject = (struct row_reject){.column = column, .code = code, .reason = reason, .value = value};
    return ROW_REJECTED;
}

static enum row_status refuse_fault(struct row_reject *reject, enum row_column column, enum commune_fault fault,
                                    struct csv_field value)
{
    if (fault == COMMUNE_NO_MEMORY) {
        return ROW_NO_MEMORY;
    }
    return refuse(reject, row_column_names[column], commune_fault_code(fault), commune_fault_text(fault), value);
}

/* The name of the known column at an index, or "". */
static const char *column_at(const struct row_layout *layout, size_t index)
{
    for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
        if (layout->index[column] == (int) index) {
            return row_column_names[column];
        }
    }
    return "";
}

static bool valid_text(struct csv_field field)
{
    size_t at = 0;
    while (at < field.length) {
        size_t step = utf8_length(field.text + at, field.length - at);
        if (step == 0 || field.text[at] == '\0') {
            return false;
        }
        at += step;
    }
    return true;
}

/* The record as a whole: read in full, as wide as the header at most, and text. */
static enum row_status check_record(struct row_reject *reject, const struct csv_record *record,
                                    const struct row_layout *layout)
{
    const struct csv_field none = {.text = "", .length = 0};
    if (record->fault == CSV_FAULT_TOO_LONG) {
        return refuse(reject, "", "record_too_long", "record is longer than 1 MiB", none);
    }
    if (record->fault == CSV_FAULT_TOO_MANY_FIELDS) {
        return refuse(reject, "", "too_many_fields", "record has more than 1024 fields", none);
    }
    for (size_t i = 0; i < record->field_count; i++) {
        if (!valid_text(record->fields[i])) {
            return refuse(reject, column_at(layout, i), "encoding", "text is not valid UTF-8", record->fields[i]);
        }
        if (i >= layout->width && record->fields[i].length > 0) {
            return refuse(reject, "", "too_many_fields", "record has more fields than the header", record->fields[i]);
        }
    }
    return ROW_OK;
}

/* The file's own department where PostgreSQL knows it, else that of the postal code. */
static enum row_status find_department(struct row *row, struct row_reject *reject, struct csv_field own,
                                       const struct departments *departments)
{
    char code[COMMUNE_DEPARTMENT_CODE_SIZE];
    int32_t id = -1;
    if (commune_department_code(code, own.text, own.length)) {
        id = departments_find(departments, code);
    }
    if (id < 0 && commune_department_of(code, row->postal_code) == COMMUNE_OK) {
        id = departments_find(departments, code);
    }
    if (id < 0) {
        struct csv_field value = {.text = row->postal_code, .length = strlen(row->postal_code)};
        return refuse_fault(reject, ROW_COLUMN_POSTAL_CODE, COMMUNE_DEPARTMENT_UNKNOWN, value);
    }
    row->department_id = id;
    return ROW_OK;
}

static enum row_status find_coordinates(struct row *row, struct row_reject *reject, struct csv_field latitude,
                                        struct csv_field longitude, enum row_column latitude_column,
                                        enum row_column longitude_column)
{
    enum commune_fault fault = commune_latitude(&row->latitude, &row->has_latitude, latitude.text, latitude.length);
    if (fault != COMMUNE_OK) {
        return refuse_fault(reject, latitude_column, fault, latitude);
    }
    fault = commune_longitude(&row->longitude, &row->has_longitude, longitude.text, longitude.length);
    if (fault != COMMUNE_OK) {
        return refuse_fault(reject, longitude_column, fault, longitude);
    }
    return ROW_OK;
}

/* Both numbers in one field, "48.97, -1.54". */
static enum row_status split_coordinates(struct row *row, struct row_reject *reject, struct csv_field both)
{
    both = trimmed(both);
    if (both.length == 0) {
        return ROW_OK;
    }
    const char *comma = memchr(both.text, ',', both.length);
    if (comma == NULL) {
        return refuse(reject, row_column_names[ROW_COLUMN_COORDINATES], "coordinates_invalid",
                      "coordinates are not two numbers with a comma between them", both);
    }
    struct csv_field latitude = {.text = both.text, .length = (size_t) (comma - both.text)};
    struct csv_field longitude = {.text = comma + 1, .length = both.length - latitude.length - 1};
    return find_coordinates(row, reject, latitude, longitude, ROW_COLUMN_COORDINATES, ROW_COLUMN_COORDINATES);
}

enum row_status row_parse(struct row *row, struct row_reject *reject, struct buffer *name,
                          const struct csv_record *record, const struct row_layout *layout,
                          const struct departments *departments)
{
    buffer_clear(name);
    memset(row, 0, sizeof(*row));
    enum row_status status = check_record(reject, record, layout);
    if (status != ROW_OK) {
        return status;
    }
    struct csv_field field = field_of(record, layout, ROW_COLUMN_NAME);
    enum commune_fault fault = commune_name(name, field.text, field.length);
    if (fault != COMMUNE_OK) {
        return refuse_fault(reject, ROW_COLUMN_NAME, fault, field);
    }
    row->name = name->data;
    row->name_length = name->length;
    field = field_of(record, layout, ROW_COLUMN_POSTAL_CODE);
    fault = commune_postal_code_padded(row->postal_code, field.text, field.length);
    if (fault != COMMUNE_OK) {
        return refuse_fault(reject, ROW_COLUMN_POSTAL_CODE, fault, field);
    }
    status = find_department(row, reject, field_of(record, layout, ROW_COLUMN_DEPARTMENT), departments);
    if (status == ROW_OK) {
        status =
            find_coordinates(row, reject, field_of(record, layout, ROW_COLUMN_LATITUDE),
                             field_of(record, layout, ROW_COLUMN_LONGITUDE), ROW_COLUMN_LATITUDE, ROW_COLUMN_LONGITUDE);
    }
    if (status == ROW_OK && !row->has_latitude && !row->has_longitude) {
        status = split_coordinates(row, reject, field_of(record, layout, ROW_COLUMN_COORDINATES));
    }
    return status;
}
