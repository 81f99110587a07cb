/* Building and sending the bodies of answers.
 * Not here: deciding which. */
#include "api/reply.h"

#include <stdarg.h>
#include <string.h>

void api_reply_json(struct http_exchange *exchange, int status, const struct buffer *body)
{
    if (buffer_failed(body)) {
        http_respond_error(exchange, 500);
    } else {
        http_respond(exchange, status, API_JSON_TYPE, body->data, body->length);
    }
}

static void write_detail(struct buffer *body, const char *text, size_t length)
{
    struct json_writer json = json_writer_init(body);
    json_open_object(&json);
    json_key(&json, "detail");
    json_text(&json, text, length);
    json_close_object(&json);
}

void api_reply_detail(struct http_exchange *exchange, int status, const char *format, ...)
{
    BUFFER_AUTO text = BUFFER_EMPTY;
    BUFFER_AUTO body = BUFFER_EMPTY;
    va_list arguments;
    va_start(arguments, format);
    buffer_append_vformat(&text, format, arguments);
    va_end(arguments);
    write_detail(&body, buffer_text(&text), text.length);
    api_reply_json(exchange, status, &body);
}

void api_reply_unavailable(struct http_exchange *exchange)
{
    http_respond_header(exchange, "Retry-After", "1");
    http_respond_error(exchange, 503);
}

void api_error_body(struct buffer *body, int status, void *context)
{
    static const struct {
        int status;
        const char *detail;
    } details[] = {
        {307, "Cette adresse s'écrit autrement, voir Location"},
        {400, "Requête invalide"},
        {404, "Chemin inconnu"},
        {405, "Méthode non autorisée"},
        {408, "Requête reçue trop lentement"},
        {413, "Corps de requête trop volumineux"},
        {414, "Adresse trop longue"},
        {415, "Un corps JSON est attendu"},
        {417, "Attente non prise en charge"},
        {431, "En-têtes trop volumineux"},
        {500, "Erreur interne"},
        {501, "Fonction non prise en charge"},
        {503, "Service momentanément indisponible, réessayez"},
        {505, "Version de HTTP non prise en charge"},
    };
    (void) context;
    const char *detail = "Requête refusée";
    for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
        if (details[i].status == status) {
            detail = details[i].detail;
        }
    }
    write_detail(body, detail, strlen(detail));
}

static bool is_pattern(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; pattern++, text++) {
        bool is_digit = *text >= '0' && *text <= '9';
        if (*pattern == '0' ? !is_digit : *text != *pattern) {
            return false;
        }
    }
    return true;
}

void api_write_time(struct json_writer *json, const char *text)
{
    enum { DATE = 10, SECONDS = 19, FRACTION_MAX = 6 };
    size_t length = strlen(text);
    size_t digits = 0;
    bool is_known = is_pattern(text, "0000-00-00 00:00:00");
    if (is_known && text[SECONDS] == '.') {
        digits = strspn(text + SECONDS + 1, "0123456789");
    }
    size_t zone = SECONDS + (digits > 0 ? digits + 1 : 0);
    /* Infinity, years over 9999 and BC have other forms. */
    if (!is_known || digits > FRACTION_MAX || strcmp(text + zone, "+00") != 0) {
        json_text(json, text, length);
        return;
    }
    char out[] = "\"0000-00-00T00:00:00.000000Z\"";
    memcpy(out + 1, text, SECONDS);
    out[1 + DATE] = 'T';
    if (digits == 0) {
        memcpy(out + 1 + SECONDS, "Z\"", 3);
    } else {
        memcpy(out + 1 + SECONDS, text + SECONDS, digits + 1);
    }
    json_raw(json, out, strlen(out));
}

void api_write_row(struct json_writer *json, const struct api_column *columns, size_t count,
                   const struct db_result *rows, size_t row)
{
    json_open_object(json);
    for (size_t i = 0; i < count; i++) {
        const char *text = db_result_text(rows, row, (int) i);
        json_key(json, columns[i].name);
        if (db_result_null(rows, row, (int) i)) {
            json_null(json);
        } else if (columns[i].form == API_FORM_NUMBER) {
            json_raw(json, text, strlen(text));
        } else if (columns[i].form == API_FORM_TIME) {
            api_write_time(json, text);
        } else {
            json_text(json, text, strlen(text));
        }
    }
    json_close_object(json);
}
