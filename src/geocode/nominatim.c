/* Nominatim's protocol.
 * Not here: HTTP, the database. */
#include "geocode/nominatim.h"

#include <string.h>
#include <strings.h>

#include "digitalism/commune.h"
#include "digitalism/fetch.h"
#include "digitalism/json.h"

#define LATITUDE_MAX           90.0
#define LONGITUDE_MAX          180.0
#define DISPLAY_NAME_BYTES_MAX 1024
#define SHOWN_BYTES_MAX        80

void nominatim_url(struct buffer *out, const char *base, const char *city, const char *postal_code)
{
    fetch_url_join(out, base, "search");
    fetch_url_parameter(out, "city", city);
    fetch_url_parameter(out, "postalcode", postal_code);
    fetch_url_parameter(out, "country", "fr");
    fetch_url_parameter(out, "format", "json");
    fetch_url_parameter(out, "limit", "1");
    fetch_url_parameter(out, "addressdetails", "1");
}

bool nominatim_degrees(const struct json_value *object, const char *name, double limit, double *out)
{
    double value = 0;
    const char *text = json_member_text(object, name);
    if (text != NULL) {
        /* The domain's own rule for a decimal number, which both share; 180 is the wider of the two ranges. */
        bool is_present = false;
        if (commune_longitude(&value, &is_present, text, strlen(text)) != COMMUNE_OK || !is_present) {
            return false;
        }
    } else if (!json_member_number(object, name, &value)) {
        return false;
    }
    if (!(value >= -limit && value <= limit)) {
        return false;
    }
    *out = value;
    return true;
}

/* France as OpenStreetMap knows it: its overseas parts have country codes of their own (ISO 3166-1). */
static bool is_french(const char *country_code)
{
    static const char *const codes[] = {"fr", "gp", "mq", "gf", "re", "yt", "pm", "bl", "mf", "nc", "pf", "wf", "tf"};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcasecmp(country_code, codes[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What stands in a member, for a message: a text in its quotes, a number, or that there is nothing of use. */
static void show(struct buffer *out, const struct json_value *object, const char *name)
{
    double number = 0;
    const char *text = json_member_text(object, name);
    if (text != NULL) {
        size_t length = strlen(text);
        buffer_append_json_string(out, text, length <= SHOWN_BYTES_MAX ? length : utf8_cut(text, SHOWN_BYTES_MAX));
    } else if (json_member_number(object, name, &number)) {
        buffer_append_format(out, "%g", number);
    } else {
        buffer_append_text(out, "none");
    }
}

static enum nominatim_verdict read_place(struct nominatim_place *out, const struct json_value *place, struct err *why)
{
    double latitude = 0;
    double longitude = 0;
    BUFFER_AUTO shown = BUFFER_EMPTY;
    if (!nominatim_degrees(place, "lat", LATITUDE_MAX, &latitude) ||
        !nominatim_degrees(place, "lon", LONGITUDE_MAX, &longitude)) {
        buffer_append_text(&shown, "latitude ");
        show(&shown, place, "lat");
        buffer_append_text(&shown, ", longitude ");
        show(&shown, place, "lon");
        (void) err_set(why, ERR_REMOTE, "no such coordinates: %s", buffer_text(&shown));
        return NOMINATIM_REFUSED;
    }
    const struct json_value *address = json_member(place, "address");
    const char *country_code = json_member_text(address, "country_code");
    if (country_code != NULL && !is_french(country_code)) {
        show(&shown, address, "country_code");
        (void) err_set(why, ERR_REMOTE, "a place in another country: %s", buffer_text(&shown));
        return NOMINATIM_REFUSED;
    }
    const char *name = json_member_text(place, "display_name");
    size_t length = name == NULL ? 0 : strlen(name);
    out->latitude = latitude;
    out->longitude = longitude;
    buffer_clear(&out->display_name);
    buffer_append_json_string(&out->display_name, name == NULL ? "" : name,
                              length <= DISPLAY_NAME_BYTES_MAX ? length : utf8_cut(name, DISPLAY_NAME_BYTES_MAX));
    return NOMINATIM_FOUND;
}

enum nominatim_verdict nominatim_read(struct nominatim_place *out, const char *body, size_t length, struct err *why)
{
    struct json_value *value = NULL;
    if (json_parse(&value, body, length, why) < 0) {
        (void) err_recode(why, ERR_REMOTE);
        return NOMINATIM_UNREADABLE;
    }
    enum nominatim_verdict verdict = NOMINATIM_UNREADABLE;
    const struct json_value *first = json_first(value);
    if (json_is_array(value) && first == NULL) {
        verdict = NOMINATIM_UNKNOWN;
    } else if (json_is_object(first)) {
        verdict = read_place(out, first, why);
    } else {
        (void) err_set(why, ERR_REMOTE, "this is no list of places");
    }
    json_free(value);
    return verdict;
}
