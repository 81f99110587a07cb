/* The grammar of ETL_COLUMNS, and the search in a header.
 * Not here: reading the header (source.c). */
#include "etl/columns.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "digitalism/commune.h"

const char *const row_column_names[] = {
    [ROW_COLUMN_NAME] = "nom_commune",
    [ROW_COLUMN_POSTAL_CODE] = "code_postal",
    [ROW_COLUMN_DEPARTMENT] = "code_departement",
    [ROW_COLUMN_LATITUDE] = "latitude",
    [ROW_COLUMN_LONGITUDE] = "longitude",
    [ROW_COLUMN_COORDINATES] = "coordonnees_gps",
};
static_assert(sizeof(row_column_names) / sizeof(row_column_names[0]) == ROW_COLUMN_COUNT, "every column has a name");

/* What ETL_COLUMNS calls them. */
static const char *const keys[] = {
    [ROW_COLUMN_NAME] = "name",
    [ROW_COLUMN_POSTAL_CODE] = "postal_code",
    [ROW_COLUMN_DEPARTMENT] = "department",
    [ROW_COLUMN_LATITUDE] = "latitude",
    [ROW_COLUMN_LONGITUDE] = "longitude",
    [ROW_COLUMN_COORDINATES] = "coordinates",
};
static_assert(sizeof(keys) / sizeof(keys[0]) == ROW_COLUMN_COUNT, "every column has a key");

/* A part of the setting's text, or a name in a header. */
struct part {
    const char *text;
    size_t length;
};

static bool space(char character)
{
    return character == ' ' || character == '\t';
}

static struct part trimmed(struct part part)
{
    while (part.length > 0 && space(part.text[0])) {
        part.text += 1;
        part.length -= 1;
    }
    while (part.length > 0 && space(part.text[part.length - 1])) {
        part.length -= 1;
    }
    return part;
}

/* Takes off what stands before the separator, or all when there is none; *found tells which. A separator inside quotes
 * separates nothing. */
static struct part take_until(struct part *rest, char separator, bool *found)
{
    bool quoted = false;
    size_t length = 0;
    while (length < rest->length && (quoted || rest->text[length] != separator)) {
        quoted ^= rest->text[length] == '"';
        length += 1;
    }
    struct part taken = {.text = rest->text, .length = length};
    *found = length < rest->length;
    length += *found ? 1U : 0U;
    rest->text += length;
    rest->length -= length;
    return trimmed(taken);
}

static int complain_key(struct part key, struct err *err)
{
    BUFFER_AUTO shown = BUFFER_EMPTY;
    BUFFER_AUTO known = BUFFER_EMPTY;
    buffer_append_json_string(&shown, key.text, key.length);
    for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
        buffer_append_format(&known, "%s%s", column == 0 ? "" : ", ", keys[column]);
    }
    return err_set(err, ERR_CONFIG, "%s is no column, the columns are %s", buffer_text(&shown), buffer_text(&known));
}

/* Reads the header's name, quoted or not, into `out`. */
static int parse_header(struct buffer *out, const char *key, struct part value, struct err *err)
{
    if (value.length == 0 || value.text[0] != '"') {
        buffer_append(out, value.text, value.length);
        return value.length > 0 ? 0
                                : err_set(err, ERR_CONFIG, "the column %s has no header name behind its \"=\"", key);
    }
    size_t at = 1;
    for (; at < value.length; at++) {
        if (value.text[at] == '"') {
            if (at + 1 == value.length || value.text[at + 1] != '"') {
                break;
            }
            at += 1;
        }
        buffer_append_char(out, value.text[at]);
    }
    if (at >= value.length) {
        return err_set(err, ERR_CONFIG, "the quote behind \"%s=\" is never closed", key);
    }
    if (at + 1 < value.length) {
        return err_set(err, ERR_CONFIG, "text stands behind the closing quote of the column %s", key);
    }
    return 0;
}

/* Gives the column its name in its two forms. */
static int set_name(struct column_name *name, enum row_column column, struct err *err)
{
    const struct buffer *text = &name->text;
    switch (commune_name(&name->normal, buffer_text(text), text->length)) {
    case COMMUNE_OK:
        return 0;
    case COMMUNE_NAME_EMPTY:
        return err_set(err, ERR_CONFIG, "the column %s has an empty header name", keys[column]);
    case COMMUNE_NAME_TOO_LONG:
        return err_set(err, ERR_CONFIG, "the column %s has a header name of more than %d characters", keys[column],
                       COMMUNE_NAME_CHARACTERS_MAX);
    case COMMUNE_NAME_ENCODING:
        return err_set(err, ERR_CONFIG, "the column %s has a header name that is not valid UTF-8", keys[column]);
    default:
        return err_set(err, ERR_INTERNAL, "no memory for the names of the columns");
    }
}

/* One `COLUMN=HEADER`. */
static int parse_entry(struct columns *out, struct part entry, struct err *err)
{
    bool found;
    struct part value = entry;
    struct part key = take_until(&value, '=', &found);
    if (!found) {
        BUFFER_AUTO shown = BUFFER_EMPTY;
        buffer_append_json_string(&shown, entry.text, entry.length);
        return err_set(err, ERR_CONFIG, "%s is not of the form COLUMN=HEADER", buffer_text(&shown));
    }
    size_t column = 0;
    while (column < ROW_COLUMN_COUNT &&
           (strlen(keys[column]) != key.length || strncasecmp(keys[column], key.text, key.length) != 0)) {
        column += 1;
    }
    if (column == ROW_COLUMN_COUNT) {
        return complain_key(key, err);
    }
    struct column_name *name = &out->names[column];
    if (name->mapped) {
        return err_set(err, ERR_CONFIG, "the column %s is given twice", keys[column]);
    }
    name->mapped = true;
    int result = parse_header(&name->text, keys[column], trimmed(value), err);
    return result < 0 ? result : set_name(name, (enum row_column) column, err);
}

static int set_usual_names(struct columns *out, struct err *err)
{
    for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
        struct column_name *name = &out->names[column];
        if (!name->mapped) {
            buffer_append_text(&name->text, row_column_names[column]);
            int result = set_name(name, (enum row_column) column, err);
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

/* No two columns can stand in one place. */
static int check_distinct(const struct columns *columns, struct err *err)
{
    for (size_t first = 0; first < ROW_COLUMN_COUNT; first++) {
        for (size_t second = first + 1; second < ROW_COLUMN_COUNT; second++) {
            const struct column_name *name = &columns->names[second];
            if (strcmp(buffer_text(&columns->names[first].normal), buffer_text(&name->normal)) == 0) {
                return err_set(err, ERR_CONFIG, "the columns %s and %s have the same header name \"%s\"", keys[first],
                               keys[second], buffer_text(&name->text));
            }
        }
    }
    return 0;
}

int columns_parse(struct columns *out, const char *text, struct err *err)
{
    memset(out, 0, sizeof(*out));
    int result = 0;
    bool more = text != NULL;
    struct part rest = {.text = text, .length = text == NULL ? 0 : strlen(text)};
    while (more && result == 0) {
        struct part entry = take_until(&rest, ',', &more);
        result = entry.length > 0 ? parse_entry(out, entry, err)
                                  : err_set(err, ERR_CONFIG, "an entry is empty: one comma stands between two entries");
    }
    result = result < 0 ? result : set_usual_names(out, err);
    return result < 0 ? result : check_distinct(out, err);
}

void columns_done(struct columns *columns)
{
    for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
        buffer_done(&columns->names[column].text);
        buffer_done(&columns->names[column].normal);
    }
}

bool columns_require(const struct columns *columns, enum row_column column)
{
    bool is_mapped = columns->names[column].mapped;
    return is_mapped || column < ROW_COLUMNS_REQUIRED;
}

int etl_check_columns(const char *text, struct err *err)
{
    struct columns columns;
    int result = columns_parse(&columns, text, err);
    columns_done(&columns);
    return result;
}

int row_layout_find(struct row_layout *layout, const struct csv_record *header, const struct columns *columns,
                    const char **repeated)
{
    int found = 0;
    BUFFER_AUTO normal = BUFFER_EMPTY;
    *repeated = NULL;
    layout->width = header->field_count;
    if (header->field_count > 1 && header->fields[header->field_count - 1].length == 0) {
        layout->width -= 1;
    }
    for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
        layout->index[column] = -1;
    }
    for (size_t i = 0; i < header->field_count; i++) {
        buffer_clear(&normal);
        if (commune_name(&normal, header->fields[i].text, header->fields[i].length) != COMMUNE_OK) {
            continue; /* no name that anybody could be looking for */
        }
        for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
            const struct column_name *name = &columns->names[column];
            if (normal.length != name->normal.length || memcmp(normal.data, name->normal.data, normal.length) != 0) {
                continue;
            }
            if (layout->index[column] >= 0) {
                *repeated = buffer_text(&name->text);
                continue;
            }
            layout->index[column] = (int) i;
            found += 1;
        }
    }
    return found;
}

bool row_layout_complete(const struct row_layout *layout, const struct columns *columns)
{
    for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
        if (layout->index[column] < 0 && columns_require(columns, (enum row_column) column)) {
            return false;
        }
    }
    return true;
}
