/* Reading values from text, and writing them back for people.
 * Not here: settings, sources, files. */
#include "config/value.h"

#include <string.h>
#include <strings.h>

#define MESSAGE_BYTES_MAX 128
#define DECIMALS_MAX      6

/* Not isdigit(3) and its like: a setting means the same in every locale. */
static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool is_control(char character)
{
    return (unsigned char) character < 0x20 || character == 0x7F;
}

bool config_value_boolean(const char *text, bool *out)
{
    static const char *const names[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    unsigned index = 0;
    if (!config_value_name(text, names, sizeof(names) / sizeof(names[0]), &index)) {
        return false;
    }
    *out = index % 2 == 1;
    return true;
}

/* Reads digits from *cursor and moves it behind them. False without a digit, or when the number leaves int64_t. */
static bool read_digits(const char **cursor, int64_t *out)
{
    const char *at = *cursor;
    int64_t number = 0;
    if (!is_digit(*at)) {
        return false;
    }
    for (; is_digit(*at); at++) {
        int digit = *at - '0';
        if (number > (INT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *cursor = at;
    *out = number;
    return true;
}

bool config_value_integer(const char *text, int64_t min, int64_t max, int64_t *out)
{
    int64_t number = 0;
    if (!read_digits(&text, &number) || *text != '\0' || number < min || number > max) {
        return false;
    }
    *out = number;
    return true;
}

/* Reads `12` or `1.25` as a whole number in units of 1 / *scale, where *scale is a power of ten. */
static bool read_decimal(const char **cursor, int64_t *out, int64_t *scale)
{
    int64_t number = 0;
    int64_t divisor = 1;
    if (!read_digits(cursor, &number)) {
        return false;
    }
    if (**cursor == '.') {
        const char *at = *cursor + 1;
        int decimals = 0;
        for (; is_digit(*at); at++) {
            if (++decimals > DECIMALS_MAX || number > (INT64_MAX - 9) / 10) {
                return false;
            }
            number = number * 10 + (*at - '0');
            divisor *= 10;
        }
        if (decimals == 0) {
            return false;
        }
        *cursor = at;
    }
    *out = number;
    *scale = divisor;
    return true;
}

bool config_value_duration(const char *text, int64_t min_ms, int64_t max_ms, int64_t *out_ms)
{
    static const struct {
        const char *name;
        int64_t unit_ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", INT64_C(60) * 1000}, {"", 1000}};
    int64_t number = 0;
    int64_t scale = 1;
    if (!read_decimal(&text, &number, &scale)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(text, units[i].name) != 0) {
            continue;
        }
        if (number > (INT64_MAX - scale) / units[i].unit_ms) {
            return false;
        }
        int64_t duration_ms = (number * units[i].unit_ms + scale / 2) / scale;
        if (duration_ms < min_ms || duration_ms > max_ms) {
            return false;
        }
        *out_ms = duration_ms;
        return true;
    }
    return false;
}

bool config_value_size(const char *text, int64_t min_bytes, int64_t max_bytes, int64_t *out_bytes)
{
    static const struct {
        const char *name;
        int shift;
    } units[] = {{"", 0}, {"K", 10}, {"KiB", 10}, {"M", 20}, {"MiB", 20}, {"G", 30}, {"GiB", 30}};
    int64_t number = 0;
    int64_t scale = 1;
    if (!read_decimal(&text, &number, &scale)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(text, units[i].name) != 0) {
            continue;
        }
        if (number > INT64_MAX >> units[i].shift || (units[i].shift == 0 && scale != 1)) {
            return false;
        }
        int64_t bytes = (number << units[i].shift) / scale;
        if (bytes < min_bytes || bytes > max_bytes) {
            return false;
        }
        *out_bytes = bytes;
        return true;
    }
    return false;
}

bool config_value_limit(const char *text, struct config_limit *out)
{
    int64_t number = 0;
    int64_t scale = 1;
    if (!read_decimal(&text, &number, &scale)) {
        return false;
    }
    if (*text == '\0' && scale == 1) {
        *out = (struct config_limit){.count = number, .permille = -1};
        return true;
    }
    if (strcmp(text, "%") != 0 || number > 100 * scale || number * 10 % scale != 0) {
        return false;
    }
    *out = (struct config_limit){.count = 0, .permille = (int32_t) (number * 10 / scale)};
    return true;
}

bool config_value_name(const char *text, const char *const *names, size_t count, unsigned *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(text, names[i]) == 0) {
            *out = (unsigned) i;
            return true;
        }
    }
    return false;
}

bool config_value_text(const char *text)
{
    size_t length = 0;
    for (; text[length] != '\0'; length++) {
        if (is_control(text[length])) {
            return false;
        }
    }
    return length > 0 && length <= CONFIG_VALUE_BYTES_MAX;
}

bool config_value_url(const char *text)
{
    const char *at = strncasecmp(text, "http://", 7) == 0    ? text + 7
                     : strncasecmp(text, "https://", 8) == 0 ? text + 8
                                                             : NULL;
    if (at == NULL || !config_value_text(text) || strchr(text, ' ') != NULL) {
        return false;
    }
    size_t authority = strcspn(at, "/?#");
    const char *end = at + authority;
    const char *user_end = memrchr(at, '@', authority);
    const char *host = user_end == NULL ? at : user_end + 1;
    size_t host_length = 0;
    if (*host == '[') {
        const char *bracket = memchr(host, ']', (size_t) (end - host));
        host_length = bracket == NULL || bracket == host + 1 ? 0 : (size_t) (bracket - host) + 1;
    } else {
        host_length = strcspn(host, ":/?#");
    }
    const char *port = host + host_length;
    if (host_length == 0 || port == end) {
        return host_length > 0;
    }
    int64_t number = 0;
    port += 1;
    return port[-1] == ':' && read_digits(&port, &number) && port == end && number >= 1 && number <= 65535;
}

void config_value_print_duration(struct buffer *out, int64_t duration_ms)
{
    bool whole_minutes = duration_ms % 60000 == 0 && duration_ms >= 120000;
    bool whole_seconds = duration_ms % 1000 == 0;
    int64_t unit_ms = whole_minutes ? 60000 : whole_seconds ? 1000 : 1;
    buffer_append_integer(out, duration_ms / unit_ms);
    buffer_append_text(out, whole_minutes ? "m" : whole_seconds ? "s" : "ms");
}

void config_value_print_size(struct buffer *out, int64_t bytes)
{
    static const char *const units[] = {"", "K", "M", "G"};
    size_t unit = 0;
    while (bytes > 0 && bytes % 1024 == 0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= 1024;
        unit += 1;
    }
    buffer_append_integer(out, bytes);
    buffer_append_text(out, units[unit]);
}

static int hex_digit(char character)
{
    return is_digit(character)                    ? character - '0'
           : character >= 'a' && character <= 'f' ? character - 'a' + 10
           : character >= 'A' && character <= 'F' ? character - 'A' + 10
                                                  : -1;
}

/* Compared as libpq will read it: percent-decoded; and in any case, to be on the safe side. */
static bool query_name_equals(const char *text, size_t length, const char *name)
{
    size_t i = 0;
    while (i < length && *name != '\0') {
        char character = text[i];
        if (character == '%' && length - i > 2 && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
            character = (char) (hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        }
        if (strncasecmp(&character, name, 1) != 0) {
            return false;
        }
        i += 1;
        name += 1;
    }
    return i == length && *name == '\0';
}

static bool is_secret_query(const char *name, size_t length)
{
    static const char *const names[] = {"password", "sslpassword", "oauth_client_secret", "scram_client_key",
                                        "scram_server_key"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (query_name_equals(name, length, names[i])) {
            return true;
        }
    }
    return false;
}

static void print_redacted_query(struct buffer *out, const char *query)
{
    while (*query != '\0') {
        size_t length = strcspn(query + 1, "&") + 1; /* with the leading `?` or `&` */
        const char *equals = memchr(query, '=', length);
        if (equals != NULL && is_secret_query(query + 1, (size_t) (equals - query) - 1)) {
            buffer_append(out, query, (size_t) (equals - query) + 1);
            buffer_append_text(out, "***");
        } else {
            buffer_append(out, query, length);
        }
        query += length;
    }
}

void config_value_print_redacted(struct buffer *out, const char *url)
{
    const char *start = strstr(url, "://");
    if (start == NULL) {
        buffer_append_text(out, "***");
        return;
    }
    start += 3;
    size_t before_query = strcspn(start, "?");
    /* A password may hold characters that it should have escaped, so the user information ends at the last `@`. */
    const char *at = memrchr(start, '@', before_query);
    if (at == NULL && start[strcspn(start, "@/")] == '@') {
        at = strrchr(start, '@'); /* libpq takes a question mark before the first slash for a part of the password */
    }
    const char *colon = at == NULL ? NULL : memchr(start, ':', (size_t) (at - start));
    if (colon != NULL) {
        buffer_append(out, url, (size_t) (colon - url) + 1);
        buffer_append_text(out, "***");
        url = at;
    }
    size_t plain = strcspn(url, "?");
    buffer_append(out, url, plain);
    print_redacted_query(out, url + plain);
}

void config_value_print_clean(struct buffer *out, const char *text)
{
    size_t start = out->length;
    for (; *text != '\0' && out->length - start < MESSAGE_BYTES_MAX; text++) {
        if (is_control(*text)) {
            buffer_append_format(out, "\\x%02x", (unsigned char) *text);
        } else {
            buffer_append_char(out, *text);
        }
    }
    if (*text != '\0') {
        buffer_append_text(out, "...");
    }
}
