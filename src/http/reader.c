/* The head line by line and the body by its framing, as far as the bytes at hand go. Each decision is made at the same
 * byte however the bytes were split, so that a request has one answer.
 * Not here: what the head says (request.c). */
#include "http/reader.h"

#include <string.h>

void reader_init(struct reader *reader)
{
    *reader = (struct reader){.step = READER_HEAD};
}

static enum reader_event refuse(struct reader *reader, int status)
{
    reader->status = status;
    return READER_REFUSED;
}

/* The limits on the line that is being read, `line_bytes` long so far. */
static int check_line(const struct reader *reader, const struct http_limits *limits)
{
    if (reader->line_count == 0) {
        return reader->line_bytes > limits->request_line_bytes ? 414 : 0;
    }
    return reader->header_bytes + reader->line_bytes > limits->header_bytes ? 431 : 0;
}

/* Ends a line. Returns 0 to go on, 1 for the empty line behind the head, or the status of a refusal. */
static int end_line(struct reader *reader, struct request *request, const struct http_limits *limits)
{
    if (reader->last_byte != '\r' || reader->line_bytes == 0) {
        return 400;
    }
    bool is_empty = reader->line_bytes == 1;
    if (is_empty && reader->line_count == 0) {
        buffer_clear(&request->head); /* empty lines before a request are skipped (RFC 9112, 2.2) */
    } else if (is_empty) {
        return 1;
    } else {
        reader->header_bytes += reader->line_count == 0 ? 0 : reader->line_bytes + 1;
        reader->line_count++;
    }
    reader->line_bytes = 0;
    return reader->line_count > limits->header_count + 1 ? 431 : 0;
}

/* Where the body's length comes from. */
static enum reader_event start_body(struct reader *reader, const struct request *request)
{
    if (request->chunked) {
        reader->step = READER_CHUNKED_BODY;
        reader->chunk_step = CHUNK_SIZE_START;
        return READER_GOT_HEAD;
    }
    if (request->content_length > 0) {
        reader->step = READER_LENGTH_BODY;
        reader->remaining_bytes = request->content_length;
        return READER_GOT_HEAD;
    }
    reader_init(reader);
    return READER_COMPLETE;
}

static enum reader_event finish_head(struct reader *reader, struct request *request, const struct http_limits *limits)
{
    if (buffer_failed(&request->head)) {
        return refuse(reader, 503);
    }
    int status = request_parse(request, limits);
    return status != 0 ? refuse(reader, status) : start_body(reader, request);
}

static enum reader_event feed_head(struct reader *reader, struct request *request, const struct http_limits *limits,
                                   const char *data, size_t length, size_t *used)
{
    size_t start = 0;
    size_t at = 0;
    while (at < length) {
        const char *newline = memchr(data + at, '\n', length - at);
        size_t line_end = newline == NULL ? length : (size_t) (newline - data);
        reader->line_bytes += line_end - at;
        if (line_end > at) {
            reader->last_byte = data[line_end - 1];
        }
        int status = check_line(reader, limits);
        if (status == 0 && newline != NULL) {
            status = end_line(reader, request, limits);
        }
        if (status > 1) {
            *used = length;
            return refuse(reader, status);
        }
        at = newline == NULL ? length : line_end + 1;
        if (status == 1) {
            buffer_append(&request->head, data + start, at - start);
            *used = at;
            return finish_head(reader, request, limits);
        }
        if (reader->line_count == 0 && newline != NULL) {
            start = at; /* an empty line was skipped */
        }
    }
    buffer_append(&request->head, data + start, length - start);
    *used = length;
    return READER_MORE;
}

static void append_body(struct reader *reader, struct request *request, const char *data, size_t length, size_t *used)
{
    size_t taken = reader->remaining_bytes < length ? (size_t) reader->remaining_bytes : length;
    buffer_append(&request->body, data, taken);
    reader->remaining_bytes -= taken;
    *used += taken;
}

static enum reader_event feed_length_body(struct reader *reader, struct request *request, const char *data,
                                          size_t length, size_t *used)
{
    *used = 0;
    append_body(reader, request, data, length, used);
    if (buffer_failed(&request->body)) {
        return refuse(reader, 503);
    }
    if (reader->remaining_bytes > 0) {
        return READER_MORE;
    }
    reader_init(reader);
    return READER_COMPLETE;
}

/* Adds a digit to the chunk's size. 0, or 400 for what is no digit or too many of them. */
static int add_size_digit(struct reader *reader, char byte)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *digit = byte == '\0' ? NULL : strchr(digits, byte);
    if (digit == NULL || reader->chunk_digits == 16) {
        return 400;
    }
    uint64_t value = (uint64_t) (digit - digits);
    reader->remaining_bytes = reader->remaining_bytes * 16 + (value < 16 ? value : value - 6);
    reader->chunk_digits++;
    reader->chunk_step = CHUNK_SIZE;
    return 0;
}

static int end_size(struct reader *reader, const struct request *request, const struct http_limits *limits)
{
    if (reader->remaining_bytes == 0) {
        reader->chunk_step = CHUNK_TRAILER_START;
        return 0;
    }
    reader->chunk_step = CHUNK_DATA;
    return reader->remaining_bytes > limits->body_bytes - request->body.length ? 413 : 0;
}

static bool is_line_text(char byte)
{
    return ((unsigned char) byte >= 0x20 && byte != 0x7F) || byte == '\t';
}

/* A byte of the line that holds a chunk's size. */
static int step_size(struct reader *reader, const struct request *request, const struct http_limits *limits, char byte)
{
    switch (reader->chunk_step) {
    case CHUNK_SIZE_START:
        reader->chunk_digits = 0;
        return add_size_digit(reader, byte);
    case CHUNK_SIZE:
    case CHUNK_EXTENSION:
        if (byte == '\r') {
            reader->chunk_step = CHUNK_SIZE_LF;
            return 0;
        }
        if (reader->chunk_step == CHUNK_SIZE && byte != ';') {
            return add_size_digit(reader, byte);
        }
        reader->chunk_step = CHUNK_EXTENSION;
        return !is_line_text(byte) || ++reader->chunk_extra_bytes > limits->header_bytes ? 400 : 0;
    default:
        return byte == '\n' ? end_size(reader, request, limits) : 400;
    }
}

/* A byte of the trailer, whose fields are checked and forgotten. */
static int step_trailer(struct reader *reader, const struct http_limits *limits, char byte)
{
    if (++reader->chunk_extra_bytes > limits->header_bytes) {
        return 431;
    }
    switch (reader->chunk_step) {
    case CHUNK_TRAILER_START:
        reader->chunk_step = byte == '\r' ? CHUNK_END_LF : CHUNK_TRAILER_NAME;
        return byte == '\r' || request_is_token(byte) ? 0 : 400;
    case CHUNK_TRAILER_NAME:
        reader->chunk_step = byte == ':' ? CHUNK_TRAILER_VALUE : CHUNK_TRAILER_NAME;
        return byte == ':' || request_is_token(byte) ? 0 : 400;
    case CHUNK_TRAILER_VALUE:
        reader->chunk_step = byte == '\r' ? CHUNK_TRAILER_LF : CHUNK_TRAILER_VALUE;
        return byte == '\r' || is_line_text(byte) ? 0 : 400;
    default:
        reader->chunk_step = CHUNK_TRAILER_START;
        return byte == '\n' ? 0 : 400;
    }
}

static int step_chunk(struct reader *reader, const struct request *request, const struct http_limits *limits, char byte)
{
    if (reader->chunk_step < CHUNK_DATA) {
        return step_size(reader, request, limits, byte);
    }
    if (reader->chunk_step >= CHUNK_TRAILER_START) {
        return step_trailer(reader, limits, byte);
    }
    if (byte != (reader->chunk_step == CHUNK_DATA_CR ? '\r' : '\n')) {
        return 400;
    }
    reader->chunk_step = reader->chunk_step == CHUNK_DATA_CR ? CHUNK_DATA_LF : CHUNK_SIZE_START;
    return 0;
}

static enum reader_event feed_chunked_body(struct reader *reader, struct request *request,
                                           const struct http_limits *limits, const char *data, size_t length,
                                           size_t *used)
{
    *used = 0;
    while (*used < length) {
        if (reader->chunk_step == CHUNK_DATA) {
            append_body(reader, request, data + *used, length - *used, used);
            if (buffer_failed(&request->body)) {
                return refuse(reader, 503);
            }
            reader->chunk_step = reader->remaining_bytes == 0 ? CHUNK_DATA_CR : CHUNK_DATA;
            continue;
        }
        char byte = data[(*used)++];
        if (reader->chunk_step == CHUNK_END_LF && byte == '\n') {
            reader_init(reader);
            return READER_COMPLETE;
        }
        int status = step_chunk(reader, request, limits, byte);
        if (status != 0) {
            return refuse(reader, status);
        }
    }
    return READER_MORE;
}

enum reader_event reader_feed(struct reader *reader, struct request *request, const struct http_limits *limits,
                              const char *data, size_t length, size_t *used)
{
    switch (reader->step) {
    case READER_LENGTH_BODY:
        return feed_length_body(reader, request, data, length, used);
    case READER_CHUNKED_BODY:
        return feed_chunked_body(reader, request, limits, data, length, used);
    default:
        return feed_head(reader, request, limits, data, length, used);
    }
}
