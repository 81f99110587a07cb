/* The head of an answer as bytes.
 * Not here: bodies, which belong to the handlers. */
#include "http/response.h"

#include <stdio.h>
#include <string.h>

static const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {300, "Multiple Choices"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return ""; /* the phrase may be empty (RFC 9112, 4) */
}

const char *response_date(struct response_date *date, time_t now)
{
    /* Not strftime(), whose names depend on the locale. */
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm utc;
    if (date->text[0] != '\0' && date->second == now) {
        return date->text;
    }
    if (gmtime_r(&now, &utc) != NULL) {
        (void) snprintf(date->text, sizeof(date->text), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday],
                        utc.tm_mday % 100, months[utc.tm_mon], (utc.tm_year + 1900) % 10000, utc.tm_hour % 100,
                        utc.tm_min % 100, utc.tm_sec % 100);
        date->second = now;
    }
    return date->text;
}

void response_append_header(struct buffer *out, const char *name, const char *value)
{
    buffer_append_text(out, name);
    buffer_append(out, ": ", 2);
    size_t length = strlen(value);
    char *room = buffer_reserve(out, length + 2);
    if (room == NULL) {
        return;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char) value[i];
        if (byte < 0x20 || byte == 0x7F) {
            room[i] = ' ';
        } else {
            room[i] = value[i];
        }
    }
    room[length] = '\r';
    room[length + 1] = '\n';
    buffer_commit(out, length + 2);
}

void response_append_head(struct buffer *out, const struct response_head *head)
{
    static const char sniffing[] = "X-Content-Type-Options: nosniff\r\n";
    static const char keep_alive[] = "Connection: keep-alive\r\n";
    static const char close[] = "Connection: close\r\n";
    buffer_append(out, "HTTP/1.1 ", 9);
    buffer_append_integer(out, head->status);
    buffer_append_char(out, ' ');
    buffer_append_text(out, reason_phrase(head->status));
    buffer_append(out, "\r\n", 2);
    response_append_header(out, "Date", head->date);
    if (head->status != 204) { /* RFC 9110, 8.6 */
        buffer_append(out, "Content-Length: ", 16);
        buffer_append_integer(out, (int64_t) head->content_length);
        buffer_append(out, "\r\n", 2);
    }
    if (head->headers->length > 0) {
        buffer_append(out, head->headers->data, head->headers->length);
    }
    response_append_header(out, "X-Request-ID", head->request_id);
    buffer_append(out, sniffing, sizeof(sniffing) - 1);
    if (head->connection == RESPONSE_KEEP_ALIVE) {
        buffer_append(out, keep_alive, sizeof(keep_alive) - 1);
    } else if (head->connection == RESPONSE_CLOSE) {
        buffer_append(out, close, sizeof(close) - 1);
    }
    buffer_append(out, "\r\n", 2);
}
