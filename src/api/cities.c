/* The communes: their columns and routes, and looking them up by name and postal code.
 * Not here: what all resources share (resource.c), the normal form of a name (commune). */
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "api/validate.h"
#include "digitalism/commune.h"

static const struct api_column columns[] = {
    {"id", API_FORM_NUMBER},
    {"created_at", API_FORM_TIME},
    {"updated_at", API_FORM_TIME},
    {"deleted_at", API_FORM_TIME},
    {"name", API_FORM_TEXT},
    {"code_postal", API_FORM_TEXT},
    {"department_id", API_FORM_NUMBER},
    {"latitude", API_FORM_NUMBER},
    {"longitude", API_FORM_NUMBER},
};

const struct api_resource api_cities = {
    .id_name = "city_id", .label = "Commune", .columns = columns, .column_count = sizeof(columns) / sizeof(columns[0])};

void api_cities_list(struct http_exchange *exchange, void *worker)
{
    api_list(exchange, worker, &api_cities, API_CITIES_LIST);
}

void api_cities_get(struct http_exchange *exchange, void *worker)
{
    api_get(exchange, worker, &api_cities, API_CITY_BY_ID);
}

void api_cities_by_department(struct http_exchange *exchange, void *worker)
{
    api_list_of(exchange, worker, &api_cities, API_CITIES_BY_DEPARTMENT, &api_departments);
}

/* The path's parameter as a text that PostgreSQL takes; else answers and returns NULL. */
static const char *text_parameter(struct http_exchange *exchange, size_t *length)
{
    const char *text = http_path_parameter(exchange, 0, length);
    if (!api_text_valid(text, *length)) {
        api_reply_detail(exchange, 400, "Le texte demandé n'est pas de l'UTF-8 valide");
        return NULL;
    }
    return text;
}

/* Any text may be asked for: what is no postal code has no communes. */
void api_cities_by_postal_code(struct http_exchange *exchange, void *worker)
{
    size_t length = 0;
    const char *code = text_parameter(exchange, &length);
    if (code != NULL) {
        const char *values[] = {code};
        const struct api_request request = {
            .worker = worker, .exchange = exchange, .resource = &api_cities, .finish = api_finish_list};
        api_ask(&request, API_CITIES_BY_POSTAL_CODE, values);
    }
}

static void reply_no_such_name(struct http_exchange *exchange)
{
    api_reply_detail(exchange, 404, "Commune « %s » introuvable", http_path_parameter(exchange, 0, NULL));
}

static void finish_by_name(const struct api_request *request, const struct db_result *rows)
{
    size_t count = db_result_rows(rows);
    if (count == 0) {
        reply_no_such_name(request->exchange);
        return;
    }
    if (count == 1) {
        api_reply_row(request, rows);
        return;
    }
    BUFFER_AUTO body = BUFFER_EMPTY;
    BUFFER_AUTO detail = BUFFER_EMPTY;
    struct json_writer json = json_writer_init(&body);
    buffer_append_format(&detail, "%zu communes portent ce nom", count);
    json_open_object(&json);
    json_key(&json, "detail");
    json_text(&json, buffer_text(&detail), detail.length);
    json_key(&json, "choices");
    api_write_rows(&json, request->resource, rows);
    json_close_object(&json);
    api_reply_json(request->exchange, 300, &body);
}

static bool is_blank(const char *text, size_t length)
{
    BUFFER_AUTO ignored = BUFFER_EMPTY;
    return commune_name(&ignored, text, length) == COMMUNE_NAME_EMPTY;
}

/* The normal form trims, but a name is asked for as it is: with white space around it, it is nobody's. */
static bool has_white_ends(const char *text, size_t length)
{
    size_t last = length - 1;
    while (last > 0 && ((unsigned char) text[last] & 0xC0) == 0x80) {
        last -= 1;
    }
    return is_blank(text, utf8_length(text, length)) || is_blank(text + last, length - last);
}

void api_cities_by_name(struct http_exchange *exchange, void *worker)
{
    BUFFER_AUTO name = BUFFER_EMPTY;
    size_t length = 0;
    const char *text = text_parameter(exchange, &length);
    if (text == NULL) {
        return;
    }
    if (length == 0 || has_white_ends(text, length) || commune_name(&name, text, length) != COMMUNE_OK) {
        reply_no_such_name(exchange);
        return;
    }
    const char *values[] = {buffer_text(&name)};
    const struct api_request request = {
        .worker = worker, .exchange = exchange, .resource = &api_cities, .finish = finish_by_name};
    api_ask(&request, API_CITIES_BY_NAME, values);
}
