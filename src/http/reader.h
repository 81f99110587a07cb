/* From received bytes to a whole request, however the bytes are split. Knows no sockets.
 * Not here: what the head says (request.h), and what is done with the request (connection.h). */
#ifndef DIGITALISM_HTTP_READER_H
#define DIGITALISM_HTTP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/request.h"

enum reader_step { READER_HEAD, READER_LENGTH_BODY, READER_CHUNKED_BODY };

/* RFC 9112, 7.1, in the order of a chunked body. */
enum chunk_step {
    CHUNK_SIZE_START,
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_START,
    CHUNK_TRAILER_NAME,
    CHUNK_TRAILER_VALUE,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
};

struct reader {
    enum reader_step step;
    /* The head. */
    size_t line_bytes;   /* of the present line, so far */
    size_t line_count;   /* complete lines */
    size_t header_bytes; /* of complete header lines */
    char last_byte;
    /* The body. */
    uint64_t remaining_bytes; /* of the body or the chunk */
    enum chunk_step chunk_step;
    unsigned chunk_digits;
    size_t chunk_extra_bytes; /* extensions and trailers, over the whole body */
    int status;               /* of READER_REFUSED */
};

enum reader_event {
    READER_MORE,     /* all bytes were used, the request is not complete */
    READER_GOT_HEAD, /* the head is read, a body is to come */
    READER_COMPLETE, /* the whole request is read */
    READER_REFUSED   /* reader->status answers it; the connection cannot be read any further */
};

void reader_init(struct reader *reader);

/* Reads on from `data` until the next event; `*used` counts the bytes taken. After READER_COMPLETE the reader stands at
 * the start of the next request. Limits are all set (no zeros). */
enum reader_event reader_feed(struct reader *reader, struct request *request, const struct http_limits *limits,
                              const char *data, size_t length, size_t *used);

#endif
