/* The rules that make a record a row, each with its own way to fail.
 * Not here: the normal forms themselves (commune.h). */
#include "etl/row.h"

#include <string.h>

#include "etl/record.h"

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
        if (layout->index[column] >= 0 && (size_t) layout->index[column] == index) {
            return row_column_names[column];
        }
    }
    return "";
}

/* The record as a whole: read in full, as wide as the header at most, and text. */
static enum row_status check_record(struct row_reject *reject, const struct csv_record *record,
                                    const struct row_layout *layout, struct buffer *lines)
{
    struct record_fault fault;
    if (record_check(&fault, record, layout->width, layout->encoding, lines)) {
        return ROW_OK;
    }
    return refuse(reject, column_at(layout, fault.field), fault.code, fault.reason, fault.value);
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
    const char *comma = memchr(both.text, ',', both.length);
    if (comma == NULL) {
        /* Without a comma it can only be empty. */
        enum commune_fault fault = commune_latitude(&row->latitude, &row->has_latitude, both.text, both.length);
        return fault == COMMUNE_OK && !row->has_latitude
                   ? ROW_OK
                   : refuse(reject, row_column_names[ROW_COLUMN_COORDINATES], "coordinates_invalid",
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
    enum row_status status = check_record(reject, record, layout, name);
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
