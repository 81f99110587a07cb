/* Goal: whatever bytes a client puts into a path or a query become a number, a text or a fault, and the fault is UTF-8
 * without control characters. Not here: how they get out of the request (http). */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "api/reply.h"
#include "api/validate.h"

static void check_integer(const char *text, size_t size)
{
    int64_t number = 0;
    if (api_parse_integer(&number, text, size) == API_INTEGER_VALID) {
        int64_t again = 0;
        BUFFER_AUTO digits = BUFFER_EMPTY;
        buffer_append_integer(&digits, number);
        assert(api_parse_integer(&again, digits.data, digits.length) == API_INTEGER_VALID && again == number);
    }
}

static void check_json(const struct buffer *body)
{
    assert(api_text_valid(body->data, body->length));
    for (size_t i = 0; i < body->length; i++) {
        assert((unsigned char) body->data[i] >= 0x20);
    }
}

static void check_fault(const char *text, size_t size)
{
    struct api_faults faults;
    api_faults_init(&faults);
    api_faults_add(&faults, API_PLACE_QUERY, "skip", "int_parsing", "message", text, size);
    check_json(&faults.body);
    api_faults_done(&faults);
}

static void check_time(const char *text, size_t size)
{
    BUFFER_AUTO body = BUFFER_EMPTY;
    BUFFER_AUTO terminated = BUFFER_EMPTY;
    struct json_writer json = json_writer_init(&body);
    buffer_append(&terminated, text, size);
    api_write_time(&json, buffer_text(&terminated));
    assert(body.length >= 2 && body.data[0] == '"' && body.data[body.length - 1] == '"');
    check_json(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *) data;
    check_integer(text, size);
    check_fault(text, size);
    check_time(text, size);
    return 0;
}
