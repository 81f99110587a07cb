/* Where and as whom to connect: reading the URL, the text that may be shown, starting a connection from it.
 * Not here: waiting for the connection (connection.c, pipeline.c). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "db/internal.h"

#define URL_HINT                                                                                                       \
    "write it as postgresql://user:password@host:5432/database; in the user and the password percent-encode what is "  \
    "not a letter or a digit"

/* What stands behind "://" when the scheme is one of ours, else NULL. */
static const char *skip_scheme(const char *url)
{
    static const char *const names[] = {"postgresql", "postgres"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t length = strlen(names[i]);
        if (strncasecmp(url, names[i], length) != 0) {
            continue;
        }
        const char *rest = url + length;
        if (*rest == '+') {
            /* SQLAlchemy's driver name, which says nothing about the server. */
            rest += 1 + strspn(rest + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");
        }
        if (strncmp(rest, "://", 3) == 0) {
            return rest + 3;
        }
    }
    return NULL;
}

/* A password with an unescaped '@' or '/' would make libpq take a part of it for a host, a port or a database, which
 * are shown. */
static bool has_stray_at(const char *rest)
{
    size_t authority = strcspn(rest, "/");
    size_t path = authority + strcspn(rest + authority, "?");
    const char *at = memchr(rest, '@', path);
    if (at == NULL) {
        return false;
    }
    size_t offset = (size_t) (at - rest);
    return offset > authority || memchr(at + 1, '@', path - offset - 1) != NULL;
}

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        if (strcmp(option->keyword, keyword) == 0) {
            return option->val;
        }
    }
    return NULL;
}

static int override(PQconninfoOption *options, const char *keyword, const char *value, struct err *err)
{
    if (value == NULL || value[0] == '\0') {
        return 0;
    }
    for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        if (strcmp(option->keyword, keyword) == 0) {
            char *copy = strdup(value);
            if (copy == NULL) {
                return err_set(err, ERR_INTERNAL, "no memory for the database URL");
            }
            free(option->val);
            option->val = copy;
        }
    }
    return 0;
}

/* Each port of a list is empty (the default) or 1 to 65535. libpq would find out when connecting, and quote it. */
static int check_ports(const char *ports, struct err *err)
{
    while (ports != NULL && *ports != '\0') {
        size_t length = strcspn(ports, ",");
        size_t digits = strspn(ports, "0123456789");
        long port = digits == length && length < 6 ? strtol(ports, NULL, 10) : 0;
        if (length > 0 && (port < 1 || port > 65535)) {
            (void) err_set(err, ERR_CONFIG, "the port in the database URL is not a number from 1 to 65535");
            err_hint(err, URL_HINT);
            return -(int) ERR_CONFIG;
        }
        ports += length + (ports[length] == ',' ? 1 : 0);
    }
    return 0;
}

static int parse(PQconninfoOption **out, const char *url, struct err *err)
{
    const char *rest = skip_scheme(url);
    if (rest == NULL) {
        (void) err_set(err, ERR_CONFIG, "the database URL does not begin with postgresql://");
        err_hint(err, URL_HINT);
        return -(int) ERR_CONFIG;
    }
    if (strlen(url) > DB_URL_BYTES_MAX) {
        return err_set(err, ERR_CONFIG, "the database URL is longer than %d bytes", DB_URL_BYTES_MAX);
    }
    if (has_stray_at(rest)) {
        (void) err_set(err, ERR_CONFIG, "the database URL has an @ where none can be");
        err_hint(err, URL_HINT);
        return -(int) ERR_CONFIG;
    }
    BUFFER_AUTO plain = BUFFER_EMPTY;
    buffer_append_text(&plain, "postgresql://");
    buffer_append_text(&plain, rest);
    if (buffer_failed(&plain)) {
        return err_set(err, ERR_INTERNAL, "no memory for the database URL");
    }
    char *complaint = NULL;
    *out = PQconninfoParse(plain.data, &complaint);
    if (*out == NULL) {
        BUFFER_AUTO shown = BUFFER_EMPTY;
        db_message_redact(&shown, complaint == NULL ? "no memory" : complaint);
        PQfreemem(complaint);
        (void) err_set(err, ERR_CONFIG, "the database URL cannot be read: %s", buffer_text(&shown));
        err_hint(err, URL_HINT);
        return -(int) ERR_CONFIG;
    }
    return 0;
}

/* Takes the element number `index` of a comma-separated list off; the last one when the list is shorter, as libpq does
 * for a single port. */
static void append_element(struct buffer *out, const char *list, size_t index, const char *fallback)
{
    for (size_t i = 0; i < index && list[strcspn(list, ",")] == ','; i++) {
        list += strcspn(list, ",") + 1;
    }
    size_t length = strcspn(list, ",");
    if (length == 0) {
        buffer_append_text(out, fallback);
    } else {
        buffer_append(out, list, length);
    }
}

static size_t list_count(const char *list)
{
    size_t count = 1;
    for (; *list != '\0'; list++) {
        count += *list == ',' ? 1 : 0;
    }
    return count;
}

/* The first of: the URL's value, libpq's default (environment, user's name), the fallback. */
static const char *effective(const PQconninfoOption *options, const PQconninfoOption *defaults, const char *keyword,
                             const char *fallback)
{
    const char *value = option_value(options, keyword);
    if (value == NULL || value[0] == '\0') {
        value = option_value(defaults, keyword);
    }
    return value == NULL || value[0] == '\0' ? fallback : value;
}

static char *make_text(const PQconninfoOption *options)
{
    BUFFER_AUTO text = BUFFER_EMPTY;
    PQconninfoOption *defaults = PQconndefaults();
    const char *user = effective(options, defaults, "user", "?");
    const char *addresses = effective(options, defaults, "hostaddr", "local socket");
    const char *hosts = effective(options, defaults, "host", addresses);
    const char *ports = effective(options, defaults, "port", "5432");
    buffer_append_format(&text, "%s@", user);
    for (size_t i = 0; i < list_count(hosts); i++) {
        BUFFER_AUTO host = BUFFER_EMPTY;
        append_element(&host, hosts, i, "local socket");
        bool six = host.data != NULL && strchr(host.data, ':') != NULL;
        buffer_append_format(&text, "%s%s%s%s:", i > 0 ? "," : "", six ? "[" : "", buffer_text(&host), six ? "]" : "");
        append_element(&text, ports, i, "5432");
    }
    buffer_append_format(&text, "/%s", effective(options, defaults, "dbname", user));
    PQconninfoFree(defaults);
    return buffer_failed(&text) ? NULL : strdup(text.data);
}

char *db_target_lookup_name(const struct db_target *target, size_t index)
{
    const char *hosts = option_value(target->options, "host");
    const char *addresses = option_value(target->options, "hostaddr");
    BUFFER_AUTO name = BUFFER_EMPTY;
    BUFFER_AUTO address = BUFFER_EMPTY;
    append_element(&name, hosts == NULL ? "" : hosts, index, "");
    append_element(&address, addresses == NULL ? "" : addresses, index, "");
    bool is_socket = name.length > 0 && (name.data[0] == '/' || name.data[0] == '@');
    return buffer_failed(&name) ? NULL : strdup(is_socket || address.length > 0 ? "" : buffer_text(&name));
}

static size_t count_hosts(const PQconninfoOption *options)
{
    const char *hosts = option_value(options, "host");
    const char *addresses = option_value(options, "hostaddr");
    return list_count(hosts != NULL ? hosts : addresses != NULL ? addresses : "");
}

static int fill(struct db_target *target, const char *url, const char *user, const char *password, struct err *err)
{
    int failure = parse(&target->options, url, err);
    if (failure == 0) {
        failure = check_ports(option_value(target->options, "port"), err);
    }
    if (failure == 0) {
        failure = override(target->options, "user", user, err);
    }
    if (failure == 0) {
        failure = override(target->options, "password", password, err);
    }
    if (failure != 0) {
        return failure;
    }
    for (const PQconninfoOption *option = target->options; option != NULL && option->keyword != NULL; option++) {
        if (option->val != NULL) {
            /* Room is left for what db_connect_start_at() adds. */
            if (target->count == DB_KEYWORDS_MAX - 8) {
                return err_set(err, ERR_INTERNAL, "the database URL has more than %d options", DB_KEYWORDS_MAX - 8);
            }
            target->keywords[target->count] = option->keyword;
            target->values[target->count] = option->val;
            target->count += 1;
        }
    }
    target->host_count = count_hosts(target->options);
    if (target->host_count > DB_HOSTS_MAX) {
        return err_set(err, ERR_CONFIG, "the database URL names more than %d hosts", DB_HOSTS_MAX);
    }
    target->text = make_text(target->options);
    return target->text == NULL ? err_set(err, ERR_INTERNAL, "no memory for the database URL") : 0;
}

int db_target_new(struct db_target **out, const char *url, const char *user, const char *password, struct err *err)
{
    struct db_target *target = calloc(1, sizeof(*target));
    if (target == NULL) {
        return err_set(err, ERR_INTERNAL, "no memory for the database URL");
    }
    int failure = fill(target, url, user, password, err);
    if (failure != 0) {
        db_target_free(target);
        return failure;
    }
    *out = target;
    return 0;
}

void db_target_free(struct db_target *target)
{
    if (target != NULL) {
        PQconninfoFree(target->options);
        free(target->text);
        free(target);
    }
}

bool db_target_names_user(const struct db_target *target)
{
    const char *user = option_value(target->options, "user");
    return user != NULL && user[0] != '\0';
}

const char *db_target_text(const struct db_target *target)
{
    return target->text;
}

static void ignore_notice(void *argument, const char *message)
{
    (void) argument;
    (void) message;
}

/* Appends what a comma-separated list says of the hosts, from one of them on and around. */
static void append_hosts(struct buffer *out, const char *list, const struct db_hosts *hosts, size_t first)
{
    for (size_t i = 0; i < hosts->count; i++) {
        buffer_append_text(out, i > 0 ? "," : "");
        append_element(out, list, hosts->index[(first + i) % hosts->count], "");
    }
}

PGconn *db_connect_start_at(const struct db_target *target, const char *application_name, const struct db_hosts *hosts,
                            size_t first)
{
    /* Of a keyword that comes twice the last counts: first what the URL may change, then the URL, then what we need.
     * The keepalives find a dead peer within a minute; without them a statement could wait for it for ever. */
    const char *keywords[DB_KEYWORDS_MAX + 1] = {"keepalives_idle", "keepalives_interval", "keepalives_count",
                                                 "tcp_user_timeout", "fallback_application_name"};
    const char *values[DB_KEYWORDS_MAX + 1] = {"30", "10", "3", "60000", application_name};
    static const char *const lists[] = {"host", "hostaddr", "port"};
    struct buffer chosen[sizeof(lists) / sizeof(lists[0])] = {BUFFER_EMPTY};
    struct db_hosts all = {.count = target->host_count};
    for (size_t i = 0; i < all.count; i++) {
        all.index[i] = i;
    }
    hosts = hosts == NULL ? &all : hosts;
    bool is_choice = first > 0 || hosts->count < target->host_count;
    size_t count = 5;
    for (size_t i = 0; i < target->count; i++, count++) {
        keywords[count] = target->keywords[i];
        values[count] = target->values[i];
        for (size_t j = 0; is_choice && j < sizeof(lists) / sizeof(lists[0]); j++) {
            if (strcmp(keywords[count], lists[j]) == 0) {
                append_hosts(&chosen[j], values[count], hosts, first);
                values[count] = buffer_text(&chosen[j]);
            }
        }
    }
    keywords[count] = "client_encoding";
    values[count] = "UTF8";
    PGconn *connection = PQconnectStartParams(keywords, values, 0);
    for (size_t j = 0; j < sizeof(lists) / sizeof(lists[0]); j++) {
        buffer_done(&chosen[j]);
    }
    if (connection != NULL) {
        (void) PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
        (void) PQsetNoticeProcessor(connection, ignore_notice, NULL);
    }
    return connection;
}

void db_session_sql(char sql[static DB_SESSION_SQL_BYTES], int64_t statement_timeout_ms)
{
    int length = snprintf(sql, DB_SESSION_SQL_BYTES, "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'");
    if (statement_timeout_ms > 0) {
        (void) snprintf(sql + length, DB_SESSION_SQL_BYTES - (size_t) length, "; SET statement_timeout = %" PRId64,
                        statement_timeout_ms);
    }
}
