/* Goal: no .env text, INI text, duration, size, limit, URL or name makes the readers of settings misbehave.
 * The first byte chooses the reader, the rest is its input. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/nearness.h"
#include "config/sources.h"
#include "config/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

/* Every entry has a name and a place, and there is one fault line for each counted fault. */
static void read_file(const char *text, size_t length,
                      void (*reader)(struct config_entries *, const char *, size_t, const char *,
                                     struct config_faults *))
{
    BUFFER_AUTO lines = BUFFER_EMPTY;
    struct config_faults faults = {.lines = &lines};
    struct config_entries entries = {.items = NULL};
    reader(&entries, text, length, "file", &faults);
    for (size_t i = 0; i < entries.count; i++) {
        require(entries.items[i].name[0] != '\0');
        require(strncmp(entries.items[i].place, "file:", 5) == 0);
    }
    size_t newlines = 0;
    for (size_t i = 0; i < lines.length; i++) {
        newlines += lines.data[i] == '\n';
    }
    require(newlines == faults.count);
    config_entries_done(&entries);
}

/* What is printed of a duration or a size means the same when it is read again. */
static void read_number(const char *text)
{
    int64_t duration_ms = -1;
    int64_t again_ms = -1;
    if (config_value_duration(text, 0, INT64_C(1) << 40, &duration_ms)) {
        BUFFER_AUTO printed = BUFFER_EMPTY;
        config_value_print_duration(&printed, duration_ms);
        require(config_value_duration(buffer_text(&printed), 0, INT64_C(1) << 40, &again_ms));
        require(again_ms == duration_ms);
    }
    int64_t bytes = -1;
    int64_t again_bytes = -1;
    if (config_value_size(text, 0, INT64_MAX, &bytes)) {
        BUFFER_AUTO printed = BUFFER_EMPTY;
        config_value_print_size(&printed, bytes);
        require(config_value_size(buffer_text(&printed), 0, INT64_MAX, &again_bytes));
        require(again_bytes == bytes);
    }
    struct config_limit limit = {.count = 0, .permille = 0};
    if (config_value_limit(text, &limit)) {
        require(limit.permille >= -1 && limit.permille <= 1000 && limit.count >= 0);
    }
    int64_t number = -1;
    require(!config_value_integer(text, 0, 65535, &number) || (number >= 0 && number <= 65535));
}

/* A user information with a password keeps nothing of it; the input stands where the password does. */
static void read_url(const char *text)
{
    BUFFER_AUTO url = BUFFER_EMPTY;
    BUFFER_AUTO shown = BUFFER_EMPTY;
    BUFFER_AUTO clean = BUFFER_EMPTY;
    (void) config_value_url(text);
    config_value_print_redacted(&shown, text);
    config_value_print_clean(&clean, text);
    require(clean.length <= 128 + 3 + 3);
    if (strchr(text, '/') == NULL && strchr(text, '?') == NULL) {
        buffer_clear(&shown);
        buffer_append_format(&url, "postgresql://user:%s@host/database", text);
        config_value_print_redacted(&shown, buffer_text(&url));
        require(strcmp(buffer_text(&shown), "postgresql://user:***@host/database") == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const char *bytes = (const char *) data + 1;
    char *text = strndup(bytes, size - 1);
    if (text == NULL) {
        return 0;
    }
    switch (data[0]) {
    case 'e':
        read_file(bytes, size - 1, config_read_dotenv);
        break;
    case 'i':
        read_file(bytes, size - 1, config_read_ini);
        break;
    case 'd':
        read_number(text);
        break;
    case 'u':
        read_url(text);
        break;
    default:
        require(!config_near(text, text));
        require(config_near(text, "DATABASE_URL") == config_near("DATABASE_URL", text));
        break;
    }
    free(text);
    return 0;
}
