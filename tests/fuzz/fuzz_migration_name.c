/* Fuzzes the names and versions of migrations: one that counts has a version in its normal form, which compares equal
 * to itself read again, and comes back from the database as it went; and two versions compare alike from both sides. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_version(const struct migrate_version *version)
{
    struct migrate_version again = {.text = ""};
    char number[MIGRATE_VERSION_NUMBER_SIZE];
    size_t length = strlen(version->text);
    require(length > 0 && length < MIGRATE_VERSION_SIZE);
    require(strspn(version->text, "0123456789.") == length);
    require(version->text[0] != '0' || length == 1 || version->text[1] == '.');
    require(migrate_version_read(&again, version->text, true) == length);
    require(strcmp(again.text, version->text) == 0 && migrate_version_compare(&again, version) == 0);
    require(migrate_version_parse(&again, version->text) && strcmp(again.text, version->text) == 0);
    migrate_version_number(number, version);
    require(strlen(number) < sizeof(number));
    migrate_version_from_number(&again, number);
    require(strcmp(again.text, version->text) == 0);
}

static void check_name(const char *text, bool is_directory)
{
    struct migrate_name name = is_directory ? migrate_name_of_directory(text) : migrate_name_of_file(text);
    bool counts = name.kind == MIGRATE_NAME_UP || name.kind == MIGRATE_NAME_DOWN;
    size_t length = strlen(text);
    if (!counts) {
        return;
    }
    require(name.kind == MIGRATE_NAME_UP || name.explicit_direction);
    require(is_directory || (length > 4 && strcmp(text + length - 4, ".sql") == 0 && name.stem <= length - 4));
    require(text[0] != '.');
    if (name.version.text[0] != '\0') {
        check_version(&name.version);
    } else {
        require(!is_directory && strncmp(text, "R__", 3) == 0);
    }
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

/* The text up to its first line end against the rest. */
static void check_order(const char *left, const char *right)
{
    struct migrate_version one;
    struct migrate_version other;
    struct migrate_version from_database = {.text = ""};
    migrate_version_from_number(&from_database, left);
    if (from_database.text[0] != '\0') {
        check_version(&from_database);
    }
    if (migrate_version_read(&one, left, true) == 0 || migrate_version_read(&other, right, true) == 0) {
        return;
    }
    check_version(&one);
    check_version(&other);
    int order = migrate_version_compare(&one, &other);
    require(sign(order) == -sign(migrate_version_compare(&other, &one)));
    require((order == 0) == (strcmp(one.text, other.text) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    struct migrate_version version;
    if (migrate_version_parse(&version, text)) {
        check_version(&version);
    }
    check_name(text, false);
    check_name(text, true);
    char *newline = strchr(text, '\n');
    if (newline != NULL) {
        *newline = '\0';
        check_order(text, newline + 1);
    }
    free(text);
    return 0;
}
