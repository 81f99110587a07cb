/* The grammar of ETL_COLUMNS on any text: either one of its messages, or six different names; and those, written out in
 * quotes, are read as the same names again. Not here: looking for them in a header. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "etl/columns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(struct buffer *out, const struct columns *columns)
{
    static const char *const keys[] = {"name", "postal_code", "department", "latitude", "longitude", "coordinates"};
    for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
        const struct buffer *text = &columns->names[column].text;
        buffer_append_format(out, "%s%s=\"", column == 0 ? "" : ", ", keys[column]);
        for (size_t i = 0; i < text->length; i++) {
            buffer_append_text(out, text->data[i] == '"' ? "\"" : "");
            buffer_append_char(out, text->data[i]);
        }
        buffer_append_char(out, '"');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {.code = ERR_NONE};
    struct columns columns;
    struct columns again;
    BUFFER_AUTO text = BUFFER_EMPTY;
    BUFFER_AUTO written = BUFFER_EMPTY;
    buffer_append(&text, data, size); /* a NUL in it ends the text, as it does in an environment */
    if (columns_parse(&columns, buffer_text(&text), &err) < 0) {
        assert(err.code == ERR_CONFIG && err.message[0] != '\0');
        columns_done(&columns);
        return 0;
    }
    write_again(&written, &columns);
    int result = columns_parse(&again, buffer_text(&written), &err);
    assert(result == 0);
    for (size_t column = 0; column < ROW_COLUMN_COUNT; column++) {
        assert(columns.names[column].normal.length > 0);
        assert(strcmp(buffer_text(&columns.names[column].text), buffer_text(&again.names[column].text)) == 0);
        assert(strcmp(buffer_text(&columns.names[column].normal), buffer_text(&again.names[column].normal)) == 0);
    }
    columns_done(&columns);
    columns_done(&again);
    return 0;
}
