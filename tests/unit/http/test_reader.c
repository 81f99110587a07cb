/* The reader without sockets: what is refused and with which status, and that no split of the bytes changes a thing.
 * Not here: connections (test_server.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "http/reader.h"

static const struct http_limits limits = {
    .request_line_bytes = 64, .header_bytes = 256, .header_count = 8, .body_bytes = 32};

/* Appends one line for each request and one for a refusal to `out`, as far as the bytes of one read go. */
static bool feed(struct buffer *out, struct reader *reader, struct request *request, const char *data, size_t length)
{
    size_t at = 0;
    while (at < length) {
        size_t used = 0;
        enum reader_event event = reader_feed(reader, request, &limits, data + at, length - at, &used);
        assert_true(used > 0 && used <= length - at);
        at += used;
        if (event == READER_REFUSED) {
            buffer_append_format(out, "%d;", reader->status);
            return false;
        }
        if (event == READER_COMPLETE) {
            buffer_append_format(out, "%s %s [%s] %s%s%s;", request->method_name, request->path,
                                 buffer_text(&request->body), request->keep_alive ? "keep" : "close",
                                 request->expects_continue ? " expect" : "", request->is_http_1_0 ? " 1.0" : "");
            assert_string_equal(request_target(request) == NULL ? "" : "x", "x");
            request_clear(request);
        }
    }
    return true;
}

/* Reads the bytes in pieces that end at `first` and `second`. */
static void read_split(struct buffer *out, const char *bytes, size_t length, size_t first, size_t second)
{
    struct reader reader;
    struct request request = {.method_name = ""};
    reader_init(&reader);
    buffer_clear(out);
    if (feed(out, &reader, &request, bytes, first) && feed(out, &reader, &request, bytes + first, second - first)) {
        (void) feed(out, &reader, &request, bytes + second, length - second);
    }
    request_done(&request);
}

static void read_bytewise(struct buffer *out, const char *bytes, size_t length)
{
    struct reader reader;
    struct request request = {.method_name = ""};
    reader_init(&reader);
    buffer_clear(out);
    for (size_t i = 0; i < length && feed(out, &reader, &request, bytes + i, 1); i++) {
    }
    request_done(&request);
}

struct reading {
    const char *bytes;
    size_t length; /* 0: of the string */
    const char *wanted;
};

static void check_reading(const struct reading *reading)
{
    size_t length = reading->length == 0 ? strlen(reading->bytes) : reading->length;
    BUFFER_AUTO got = BUFFER_EMPTY;
    read_split(&got, reading->bytes, length, 0, 0);
    if (strcmp(buffer_text(&got), reading->wanted) != 0) {
        print_error("%s\n", reading->bytes);
    }
    assert_string_equal(buffer_text(&got), reading->wanted);
    read_bytewise(&got, reading->bytes, length);
    assert_string_equal(buffer_text(&got), reading->wanted);
    for (size_t first = 0; first <= length; first++) {
        read_split(&got, reading->bytes, length, first, first);
        assert_string_equal(buffer_text(&got), reading->wanted);
    }
}

#define HEAD_START "GET / HTTP/1.1\r\nHost: x\r\n"
#define POST_START "POST /p HTTP/1.1\r\nHost: x\r\n"
#define NEXT       "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
#define NEXT_READ  "GET /next [] keep;"

/* Goal: what is sound is read, and the next request begins at the right byte. */
static void test_sound_requests_are_read(void **state)
{
    static const struct reading readings[] = {
        {HEAD_START "\r\n" NEXT, 0, "GET / [] keep;" NEXT_READ},
        {"\r\n\r\n" HEAD_START "\r\n\r\n" NEXT, 0, "GET / [] keep;" NEXT_READ},
        {"GET / HTTP/1.0\r\n\r\n", 0, "GET / [] close 1.0;"},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0, "GET / [] keep 1.0;"},
        {HEAD_START "Connection: close\r\n\r\n", 0, "GET / [] close;"},
        {HEAD_START "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n" NEXT, 0, "GET / [] keep;" NEXT_READ},
        {POST_START "Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab" NEXT, 0,
         "POST /p [ab] keep;" NEXT_READ},
        {POST_START "Content-Length:  5  \r\n\r\nhello" NEXT, 0, "POST /p [hello] keep;" NEXT_READ},
        {POST_START "content-length: 0\r\n\r\n" NEXT, 0, "POST /p [] keep;" NEXT_READ},
        {POST_START "Content-Length: 0000000000000000000000002\r\n\r\nab", 0, "POST /p [ab] keep;"},
        {POST_START "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=\"y\";z\r\n!\r\n0\r\n\r\n" NEXT, 0,
         "POST /p [hello!] keep;" NEXT_READ},
        {POST_START "Transfer-Encoding: CHUNKED\r\n\r\n00000000000000aA\r\n", 0, "413;"},
        {POST_START "Transfer-Encoding: chunked\r\n\r\n0000000000000003\r\nabc\r\n000\r\nA: b\r\nC:\r\n\r\n" NEXT, 0,
         "POST /p [abc] keep;" NEXT_READ},
        {POST_START "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na", 0, "POST /p [a] keep expect;"},
        {"GET http://x/abs?q HTTP/1.1\r\nHost: x\r\n\r\n", 0, "GET /abs [] keep;"},
        {"GET http://x?q HTTP/1.1\r\nHost: x\r\n\r\n", 0, "GET / [] keep;"},
        {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 0, "OPTIONS * [] keep;"},
        {"GET /\xC3\xA9?\xC3\xA9 HTTP/1.1\r\nHost:\r\nX: caf\xC3\xA9\r\n\r\n", 0, "GET /\xC3\xA9 [] keep;"},
        {"GET /a HTTP/1.1\r\nHost: [::1]:8000\r\nEmpty:\r\nTab:\ta\tb\t\r\n\r\n", 0, "GET /a [] keep;"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        check_reading(&readings[i]);
    }
}

/* Goal: everything that a server and a proxy before it could read differently is refused (RFC 9112, 11.2). */
static void test_smuggling_is_refused(void **state)
{
    static const char with_nul[] = HEAD_START "X: a\0b\r\n\r\n";
    static const char nul_in_target[] = "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n";
    static const struct reading readings[] = {
        {POST_START "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, "400;"},
        {POST_START "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 0, "400;"},
        {POST_START "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 0, "400;"},
        {POST_START "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 0, "400;"},
        {POST_START "Content-Length: +5\r\n\r\nhello", 0, "400;"},
        {POST_START "Content-Length: -5\r\n\r\nhello", 0, "400;"},
        {POST_START "Content-Length: 0x5\r\n\r\nhello", 0, "400;"},
        {POST_START "Content-Length: 5, 5\r\n\r\nhello", 0, "400;"},
        {POST_START "Content-Length: 5 5\r\n\r\nhello", 0, "400;"},
        {POST_START "Content-Length: \r\n\r\nhello", 0, "400;"},
        {POST_START "Content-Length: 5\x0B\r\n\r\nhello", 0, "400;"},
        {POST_START "Content-Length: 99999999999999999999999999\r\n\r\n", 0, "400;"},
        {POST_START "Content-Length: 18446744073709551616\r\n\r\n", 0, "400;"},
        {POST_START "Content-Length : 5\r\n\r\nhello", 0, "400;"},
        {POST_START "Content-Length\t: 5\r\n\r\nhello", 0, "400;"},
        {POST_START " Content-Length: 5\r\n\r\nhello", 0, "400;"},
        {POST_START "X: a\r\n folded\r\n\r\n", 0, "400;"},
        {POST_START "X: a\r\n\tfolded\r\n\r\n", 0, "400;"},
        {"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 0, "400;"},
        {"GET / HTTP/1.1\nHost: x\n\n", 0, "400;"},
        {"GET / HTTP/1.1\r\nHost: x\n\r\n", 0, "400;"},
        {HEAD_START "\n", 0, "400;"},
        {"\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"\rGET / HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {HEAD_START "X: a\rY: b\r\n\r\n", 0, "400;"},
        {HEAD_START "X: a\r\rb\r\n\r\n", 0, "400;"},
        {HEAD_START "X: a\r\r\n\r\n", 0, "400;"},
        {HEAD_START "X\r: a\r\n\r\n", 0, "400;"},
        {with_nul, sizeof(with_nul) - 1, "400;"},
        {nul_in_target, sizeof(nul_in_target) - 1, "400;"},
        {HEAD_START "X: a\x7F"
                    "b\r\n\r\n",
         0, "400;"},
        {HEAD_START ": a\r\n\r\n", 0, "400;"},
        {HEAD_START "no colon\r\n\r\n", 0, "400;"},
        {HEAD_START "X Y: a\r\n\r\n", 0, "400;"},
        {HEAD_START "X(Y): a\r\n\r\n", 0, "400;"},
        {HEAD_START "X\xC3\xA9: a\r\n\r\n", 0, "400;"},
        {POST_START "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 0, "400;"},
        {POST_START "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n", 0, "400;"},
        {POST_START "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 0, "400;"},
        {POST_START "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, "400;"},
        {POST_START "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", 0, "400;"},
        {POST_START "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 0, "400;"},
        {POST_START "Transfer-Encoding:\r\n\r\n0\r\n\r\n", 0, "400;"},
        {POST_START "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, "400;"},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, "400;"},
        {"GET / HTTP/1.1\r\n\r\n", 0, "400;"},
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET / HTTP/1.0\r\nHost: x\r\nhost: y\r\n\r\n", 0, "400;"},
        {"GET / HTTP/1.1\r\nHost: x, y\r\n\r\n", 0, "400;"},
        {"GET / HTTP/1.1\r\nHost: x y\r\n\r\n", 0, "400;"},
        {"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 0, "400;"},
        {"GET / HTTP/1.1\r\nHost: u@x\r\n\r\n", 0, "400;"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        check_reading(&readings[i]);
    }
}

/* Goal: chunked framing has one reading only. */
static void test_broken_chunks_are_refused(void **state)
{
#define CHUNKED POST_START "Transfer-Encoding: chunked\r\n\r\n"
    static const struct reading readings[] = {
        {CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "00000000000000005\r\nhello\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "ffffffffffffffff\r\nhello", 0, "413;"},
        {CHUNKED "-1\r\nh\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "+1\r\nh\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "0x1\r\nh\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED " 1\r\nh\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "1 \r\nh\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "1\nh\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "1\rh\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "\r\nh\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED ";x\r\nh\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "1;a\nb\r\nh\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "1;a\rb\r\nh\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "1\r\nhX\r\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "1\r\nh\n0\r\n\r\n", 0, "400;"},
        {CHUNKED "1\r\nhXX0\r\n\r\n", 0, "400;"},
        {CHUNKED "0\r\n\n", 0, "400;"},
        {CHUNKED "0\r\nA: b\n\r\n", 0, "400;"},
        {CHUNKED "0\r\nA b\r\n\r\n", 0, "400;"},
        {CHUNKED "0\r\nA : b\r\n\r\n", 0, "400;"},
        {CHUNKED "0\r\n A: b\r\n\r\n", 0, "400;"},
        {CHUNKED "0\r\nA\r\n\r\n", 0, "400;"},
        {CHUNKED "0\r\n: b\r\n\r\n", 0, "400;"},
        {CHUNKED "0\r\nA: b\rc\r\n\r\n", 0, "400;"},
        {CHUNKED "10\r\n0123456789abcdef\r\n11\r\n", 0, "413;"},
        {CHUNKED "20\r\n0123456789abcdef0123456789abcdef\r\n1\r\n", 0, "413;"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        check_reading(&readings[i]);
    }
}

/* Goal: request lines that are none, and versions that are not ours. */
static void test_broken_request_lines_are_refused(void **state)
{
    static const struct reading readings[] = {
        {"GET /\r\n\r\n", 0, "400;"},
        {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET /  HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 0, "400;"},
        {" GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET /#f HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET /\t HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET nope HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"get / HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GIT / HTTP/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET / http/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET / HTTP/1.2\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET / HTTP/11\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET / HTTPS/1.1\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET / RTSP/1.0\r\nHost: x\r\n\r\n", 0, "400;"},
        {"GET / HTTP/0.9\r\nHost: x\r\n\r\n", 0, "505;"},
        {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 0, "505;"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, "505;"},
        {"\x16\x03\x01\x02\n", 0, "400;"}, /* a TLS client */
        {HEAD_START "Expect: tea\r\n\r\n", 0, "417;"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        check_reading(&readings[i]);
    }
}

/* Goal: each limit answers with its own status at its own byte, and what is just below it is read. */
static void test_limits_hold_at_their_byte(void **state)
{
    BUFFER_AUTO bytes = BUFFER_EMPTY;
    (void) state;
    for (int over = 0; over <= 1; over++) {
        /* The line is counted with its CR. */
        buffer_clear(&bytes);
        buffer_append_text(&bytes, "GET /");
        while (bytes.length < limits.request_line_bytes - 10 + (size_t) over) {
            buffer_append_char(&bytes, 'a');
        }
        buffer_append_text(&bytes, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        BUFFER_AUTO got = BUFFER_EMPTY;
        read_split(&got, bytes.data, bytes.length, 0, 0);
        assert_string_equal(over ? "414;" : strrchr(buffer_text(&got), '['), over ? buffer_text(&got) : "[] close;");
        check_reading(&(struct reading){bytes.data, bytes.length, buffer_text(&got)});

        /* The headers are counted with their line ends, the empty line's CR included. */
        buffer_clear(&bytes);
        buffer_append_text(&bytes, "GET / HTTP/1.1\r\nHost: x\r\nX: ");
        while (bytes.length < 16 + limits.header_bytes - 3 + (size_t) over) {
            buffer_append_char(&bytes, 'a');
        }
        buffer_append_text(&bytes, "\r\n\r\n");
        check_reading(&(struct reading){bytes.data, bytes.length, over ? "431;" : "GET / [] keep;"});

        buffer_clear(&bytes);
        buffer_append_text(&bytes, "GET / HTTP/1.1\r\nHost: x\r\n");
        for (size_t i = 1; i < limits.header_count + (size_t) over; i++) {
            buffer_append_text(&bytes, "X: a\r\n");
        }
        buffer_append_text(&bytes, "\r\n");
        check_reading(&(struct reading){bytes.data, bytes.length, over ? "431;" : "GET / [] keep;"});

        buffer_clear(&bytes);
        buffer_append_format(&bytes, POST_START "Content-Length: %d\r\n\r\n01234567890123456789012345678901",
                             32 + over);
        check_reading(&(struct reading){bytes.data, bytes.length,
                                        over ? "413;" : "POST /p [01234567890123456789012345678901] keep;"});
    }
    /* A line that never ends, extensions and trailers without end. */
    buffer_clear(&bytes);
    for (int i = 0; i < 70; i++) {
        buffer_append_char(&bytes, 'G');
    }
    check_reading(&(struct reading){bytes.data, bytes.length, "414;"});
    buffer_clear(&bytes);
    buffer_append_text(&bytes, CHUNKED "1;");
    for (int i = 0; i < 300; i++) {
        buffer_append_char(&bytes, 'e');
    }
    check_reading(&(struct reading){bytes.data, bytes.length, "400;"});
    buffer_clear(&bytes);
    buffer_append_text(&bytes, CHUNKED "0\r\n");
    for (int i = 0; i < 100; i++) {
        buffer_append_text(&bytes, "A: b\r\n");
    }
    check_reading(&(struct reading){bytes.data, bytes.length, "431;"});
}

/* Goal: a request in every three pieces is the same request. */
static void test_every_split_in_three_reads_the_same(void **state)
{
    static const char bytes[] = "POST /p?q=1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "3\r\nabc\r\n0\r\n\r\n" NEXT;
    BUFFER_AUTO got = BUFFER_EMPTY;
    (void) state;
    for (size_t first = 0; first < sizeof(bytes); first++) {
        for (size_t second = first; second < sizeof(bytes); second++) {
            read_split(&got, bytes, sizeof(bytes) - 1, first, second > sizeof(bytes) - 1 ? first : second);
            assert_string_equal(buffer_text(&got), "POST /p [abc] keep;" NEXT_READ);
        }
    }
}

/* Goal: the characters of a field name are those of RFC 9110, 5.6.2, and no other. */
static void test_token_characters(void **state)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    (void) state;
    for (int i = 0; i < 256; i++) {
        bool is_alphanumeric = (i >= '0' && i <= '9') || (i >= 'A' && i <= 'Z') || (i >= 'a' && i <= 'z');
        bool wanted = is_alphanumeric || (i != 0 && strchr(marks, i) != NULL);
        assert_int_equal(request_is_token((char) i), wanted);
    }
}

/* Goal: header lookup knows no case and gives the first of a name, without the white space around it. */
static void test_headers_are_found_by_name(void **state)
{
    static const char bytes[] = "GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-One:  1 \t\r\nx-one: 2\r\nX-None:\r\n\r\n";
    struct reader reader;
    struct request request = {.method_name = ""};
    size_t used = 0;
    (void) state;
    reader_init(&reader);
    assert_int_equal(reader_feed(&reader, &request, &limits, bytes, sizeof(bytes) - 1, &used), READER_COMPLETE);
    assert_string_equal(request_header(&request, "X-ONE"), "1");
    assert_string_equal(request_header(&request, "x-none"), "");
    assert_null(request_header(&request, "x-other"));
    assert_string_equal(request.path, "/a");
    assert_string_equal(request.query, "b=c");
    assert_string_equal(request_target(&request), "/a?b=c");
    request_done(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_requests_are_read),   cmocka_unit_test(test_smuggling_is_refused),
        cmocka_unit_test(test_broken_chunks_are_refused), cmocka_unit_test(test_broken_request_lines_are_refused),
        cmocka_unit_test(test_limits_hold_at_their_byte), cmocka_unit_test(test_every_split_in_three_reads_the_same),
        cmocka_unit_test(test_token_characters),          cmocka_unit_test(test_headers_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
