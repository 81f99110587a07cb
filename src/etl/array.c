/* The wire form: dimensions, null flag, element type, size, lower bound, then each element with its length.
 * Not here: what the arrays mean. */
#include "etl/array.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <string.h>

#define HEADER_BYTES 20

/* OIDs of pg_type, fixed since the types exist. */
static const struct {
    uint32_t element;
    uint32_t array;
} oids[] = {
    [ARRAY_TEXT] = {25, 1009},
    [ARRAY_INT4] = {23, 1007},
    [ARRAY_INT8] = {20, 1016},
    [ARRAY_FLOAT8] = {701, 1022},
};
static_assert(sizeof(oids) / sizeof(oids[0]) == ARRAY_TYPE_COUNT, "every type has its OIDs");

void array_init(struct array *array, enum array_type type)
{
    *array = (struct array){.type = type, .count = 0, .bytes = BUFFER_EMPTY};
    array_clear(array);
}

void array_done(struct array *array)
{
    buffer_done(&array->bytes);
}

void array_clear(struct array *array)
{
    static const char header[HEADER_BYTES];
    array->count = 0;
    buffer_clear(&array->bytes);
    buffer_append(&array->bytes, header, sizeof(header));
}

static void append_element(struct array *array, const void *data, size_t length)
{
    uint32_t length_be = htonl((uint32_t) length);
    buffer_append(&array->bytes, &length_be, sizeof(length_be));
    buffer_append(&array->bytes, data, length);
    array->count += 1;
}

void array_append_null(struct array *array)
{
    uint32_t null_be = htonl((uint32_t) -1);
    buffer_append(&array->bytes, &null_be, sizeof(null_be));
    array->count += 1;
}

void array_append_text(struct array *array, const char *text, size_t length)
{
    assert(array->type == ARRAY_TEXT && length <= INT32_MAX);
    append_element(array, text, length);
}

void array_append_int4(struct array *array, int32_t number)
{
    assert(array->type == ARRAY_INT4);
    uint32_t number_be = htonl((uint32_t) number);
    append_element(array, &number_be, sizeof(number_be));
}

void array_append_int8(struct array *array, int64_t number)
{
    assert(array->type == ARRAY_INT8);
    uint64_t number_be = htobe64((uint64_t) number);
    append_element(array, &number_be, sizeof(number_be));
}

void array_append_float8(struct array *array, double number)
{
    assert(array->type == ARRAY_FLOAT8);
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    bits = htobe64(bits);
    append_element(array, &bits, sizeof(bits));
}

/* Where the element begins that stands `count` elements behind the one at `at`. */
static size_t skip_elements(const struct array *array, size_t at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t length_be;
        memcpy(&length_be, array->bytes.data + at, sizeof(length_be));
        uint32_t length = ntohl(length_be);
        at += sizeof(length_be) + (length == (uint32_t) -1 ? 0 : length);
    }
    return at;
}

void array_append_elements(struct array *array, const struct array *from, size_t first, size_t count)
{
    assert(array->type == from->type && first + count <= from->count && !buffer_failed(&from->bytes));
    size_t start = skip_elements(from, HEADER_BYTES, first);
    size_t end = skip_elements(from, start, count);
    buffer_append(&array->bytes, from->bytes.data + start, end - start);
    array->count += (uint32_t) count;
}

struct db_value array_value(struct array *array)
{
    /* The null flag may always be set: array_recv() looks at the elements themselves. */
    const uint32_t header[] = {htonl(array->count == 0 ? 0 : 1), htonl(1), htonl(oids[array->type].element),
                               htonl(array->count), htonl(1)};
    static_assert(sizeof(header) == HEADER_BYTES, "five numbers");
    if (buffer_failed(&array->bytes)) {
        return db_binary(NULL, 0, oids[array->type].array);
    }
    memcpy(array->bytes.data, header, sizeof(header));
    /* An empty array has no dimension, so that its header ends early. */
    return db_binary(array->bytes.data, array->count == 0 ? 12 : array->bytes.length, oids[array->type].array);
}
