/* Files as they are opened: mark, delimiter, columns, hash; and which files a path stands for.
 * Not here: the CSV grammar (test_csv.c), rows (test_row.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/etl.h"
#include "etl/files.h"
#include "etl/source.h"

static char folder[] = "/tmp/digitalism-source-XXXXXX";

/* The path of a file in the test's directory; valid until the next call. */
static const char *path_of(const char *name)
{
    static char path[256];
    (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, const char *text, size_t length)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    return path;
}

static int set_up(void **state)
{
    (void) state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void) state;
    static const char *const names[] = {"a.csv", "b.CSV", "c.txt", ".d.csv", "one.csv"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void) unlink(path_of(names[i]));
    }
    return rmdir(folder);
}

static const struct etl_format utf8 = {.encoding = ETL_ENCODING_UTF8};

#define TEXT(literal) literal, sizeof(literal) - 1

/* Goal: each delimiter is found by the columns that it makes appear; marks and odd names do not disturb. */
static void test_delimiters(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        size_t length;
        const char *delimiter;
    } cases[] = {
        {TEXT("nom_commune,code_postal\nParis,75001\n"), "comma"},
        {TEXT("nom_commune;code_postal;coordonnees_gps\nParis;75001;1,2\n"), "semicolon"},
        {TEXT("nom_commune\tcode_postal\nParis\t75001\n"), "tab"},
        {TEXT("nom_commune|code_postal\nParis|75001"), "vertical bar"},
        {TEXT("\xEF\xBB\xBFnom_commune;code_postal\r\nParis;75001\r\n"), "semicolon"},
        {TEXT("\"code_postal\";\"NOM_COMMUNE\"\r75001;Paris\r"), "semicolon"},
        {TEXT("a,b,c;nom_commune;code_postal\n1;Paris;75001\n"), "semicolon"},
        {TEXT("\"a;b;c;d\",nom_commune,code_postal\n1,Paris,75001\n"), "comma"},
        {TEXT("sep=|\r\nnom_commune|code_postal\r\nParis|75001\r\n"), "vertical bar"},
        {TEXT("\xEF\xBB\xBFSEP=\t\rnom_commune\tcode_postal\rParis\t75001\r"), "tab"},
        {TEXT("\nnom_commune,code_postal\n\n\nParis,75001\n\n"), "comma"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *path = write_file("one.csv", cases[i].text, cases[i].length);
        SOURCE_AUTO source = NULL;
        struct err err = {.code = ERR_NONE};
        struct csv_record record;
        if (source_open(&source, path, &utf8, &err) < 0) {
            fail_msg("case %zu: %s", i, err.message);
        }
        assert_string_equal(source_delimiter_name(source), cases[i].delimiter);
        assert_int_equal(source_next(source, &record, &err), 1);
        int name = source_layout(source)->index[ROW_COLUMN_NAME];
        assert_memory_equal(record.fields[name].text, "Paris", 5);
        assert_int_equal(source_next(source, &record, &err), 0);
        assert_int_equal(source_next(source, &record, &err), 0);
        assert_int_equal(source_records(source), 1);
        assert_int_equal(source_bytes_read(source), cases[i].length);
    }
}

/* Goal: what is wrong with a file as a whole is told with its name, and nothing is opened. */
static void test_refused(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        size_t length;
        const char *message;
    } cases[] = {
        {TEXT("nom_commune,postal\nParis,75001\n"),
         " has no column code_postal; found: \"nom_commune\", \"postal\"; expected: nom_commune, code_postal, and if "
         "present code_departement, latitude, longitude, coordonnees_gps"},
        {TEXT("a;\"b\"\"\n\";c"), " has no column nom_commune and no column code_postal; found: \"a\", \"b\\\"\\n\", "
                                  "\"c\"; expected: nom_commune, "
                                  "code_postal, and if present code_departement, latitude, longitude, coordonnees_gps"},
        {TEXT("0123456789012345678901234567890123456789x"),
         " has no column nom_commune and no column code_postal; found: "
         "\"0123456789012345678901234567890123456789\"...; "
         "expected: nom_commune, code_postal, and if present code_departement, latitude, longitude, coordonnees_gps"},
        {TEXT("nom_commune,code_postal,Nom_Commune\n"), " has the column nom_commune twice"},
        {TEXT(""), " is empty"},
        {TEXT("\n\r\n"), " is empty"},
        {TEXT("\xEF\xBB\xBF"), " is empty"},
        {TEXT("\xFF\xFEn\0o\0m\0"), " is UTF-16"},
        {TEXT("\xFE\xFF\0n\0o\0m"), " is UTF-16"},
        {TEXT("\0n\0o\0m"), " is UTF-16"},
        {TEXT("\xFF\xFE\0\0n\0\0\0"), " is UTF-32"},
        {TEXT("\0\0\xFE\xFF\0\0\0n"), " is UTF-32"},
        {TEXT("n\0\0\0o\0\0\0"), " is UTF-32"},
        {TEXT("\0\0\0n\0\0\0o"), " is UTF-32"},
        {TEXT("sep=;\n"), " is empty"},
        {TEXT("sep=:\nnom_commune,code_postal\n"), " has no column nom_commune and no column code_postal; found: "
                                                   "\"sep=:\"; expected: nom_commune, code_postal, and "
                                                   "if present code_departement, latitude, longitude, coordonnees_gps"},
        {TEXT("\n\"nom_commune\" ,code_postal\nParis,75001\n"),
         ":2: the header cannot be read: text stands behind a closing quote; a quote inside quotes has to be doubled"},
        {TEXT("n\0o\0m\0,\0"), " is UTF-16"},
        {TEXT("\"nom_commune,code_postal\nParis,75001\n"), ":1: the quote that opens here is never closed"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *path = write_file("one.csv", cases[i].text, cases[i].length);
        struct source *source = NULL;
        struct err err = {.code = ERR_NONE};
        assert_int_equal(source_open(&source, path, &utf8, &err), -ERR_ETL);
        assert_null(source);
        assert_memory_equal(err.message, path, strlen(path));
        if (strcmp(err.message + strlen(path), cases[i].message) != 0) {
            fail_msg("case %zu: %s", i, err.message);
        }
        assert_true(err.hint[0] != '\0'); /* each of these can be mended by who made the file */
    }
}

/* Goal: a quote that never closes, far behind the first chunk, names the line where it opened. */
static void test_unterminated(void **state)
{
    (void) state;
    BUFFER_AUTO text = BUFFER_EMPTY;
    buffer_append_text(&text, "nom_commune,code_postal\n");
    for (size_t i = 0; i < 20000; i++) {
        buffer_append_text(&text, "Paris,75001\n");
    }
    buffer_append_text(&text, "Paris,\"75001\nLyon,69001\n");
    SOURCE_AUTO source = NULL;
    struct err err = {.code = ERR_NONE};
    struct csv_record record;
    assert_int_equal(source_open(&source, write_file("one.csv", text.data, text.length), &utf8, &err), 0);
    int result = 1;
    while (result == 1) {
        result = source_next(source, &record, &err);
    }
    assert_int_equal(result, -ERR_ETL);
    assert_int_equal(source_records(source), 20000);
    assert_non_null(strstr(err.message, "one.csv:20002: the quote that opens here is never closed"));
}

/* Goal: the hash is that of all bytes, header and mark included. */
static void test_hash(void **state)
{
    (void) state;
    SOURCE_AUTO source = NULL;
    struct csv_record record;
    char sha256[SHA256_TEXT_SIZE];
    assert_int_equal(
        source_open(&source, write_file("one.csv", TEXT("nom_commune,code_postal\nParis,75001\n")), &utf8, NULL), 0);
    while (source_next(source, &record, NULL) == 1) {
    }
    assert_int_equal(source_sha256(source, sha256, NULL), 0);
    assert_string_equal(sha256, "e069bcf39a2266fc4c8f169f8435b1aaa213e2c9315d11fd6d8f2f0c2bc0903c");
}

/* Goal: a directory stands for its *.csv in name order, a file for itself, and everything else is refused. */
static void test_files(void **state)
{
    (void) state;
    struct files files = {.paths = NULL, .count = 0};
    struct err err = {.code = ERR_NONE};
    (void) unlink(path_of("one.csv"));
    (void) write_file("c.txt", "", 0);
    (void) write_file(".d.csv", "", 0);
    assert_int_equal(files_append(&files, folder, &err), -ERR_ETL);
    assert_non_null(strstr(err.message, "has no file whose name ends in .csv"));
    (void) write_file("b.CSV", "", 0);
    (void) write_file("a.csv", "", 0);
    assert_int_equal(files_append(&files, folder, &err), 0);
    assert_int_equal(files_append(&files, path_of("c.txt"), &err), 0);
    assert_int_equal(files.count, 3);
    assert_string_equal(files.paths[0], path_of("a.csv"));
    assert_string_equal(files.paths[1], path_of("b.CSV"));
    assert_string_equal(files.paths[2], path_of("c.txt"));
    assert_int_equal(files_append(&files, path_of("nothing.csv"), &err), -ERR_ETL);
    assert_non_null(strstr(err.message, "nothing.csv: No such file or directory"));
    assert_int_equal(files_append(&files, "/dev/null", &err), -ERR_ETL);
    assert_string_equal(err.message, "/dev/null is neither a file nor a directory");
    files_done(&files);
}

/* Goal: a check opens every file, and needs no server. */
static void test_check(void **state)
{
    (void) state;
    char good[256];
    char bad[256];
    struct err err = {.code = ERR_NONE};
    (void) snprintf(good, sizeof(good), "%s/data/csv", TEST_SOURCE_DIR);
    (void) snprintf(bad, sizeof(bad), "%s", write_file("one.csv", TEXT("a,b\n")));
    const char *const paths[] = {good, bad};
    struct etl_options options = {.paths = paths, .path_count = 1};
    assert_int_equal(etl_check(&options, &err), 0);
    options.path_count = 2;
    assert_int_equal(etl_check(&options, &err), -ERR_ETL);
    assert_non_null(strstr(err.message, "one.csv has no column"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delimiters), cmocka_unit_test(test_refused), cmocka_unit_test(test_unterminated),
        cmocka_unit_test(test_hash),       cmocka_unit_test(test_files),   cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
