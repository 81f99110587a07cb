/* Goal: keys and numbers are Python's; a file that cannot be written is not lost, and neither is what it lacks.
 * Not here: whole runs, other processes (test_geocode_cache.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/base/file.h"
#include "digitalism/base/stop.h"
#include "geocode/cache.h"

static void test_keys(void **state)
{
    static const char *const cases[][2] = {
        {"PARIS", "paris_75001"}, {"L'HAŸ-LES-ROSES", "l'haÿ-les-roses_75001"},
        {"ŒUF", "œuf_75001"},     {"STRASSE", "strasse_75001"},
        {"", "_75001"},           {"\xFF", "\xFF_75001"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO key = BUFFER_EMPTY;
        cache_key(&key, cases[i][0], "75001");
        assert_string_equal(buffer_text(&key), cases[i][1]);
    }
}

static void test_numbers(void **state)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {{48.8588897, "48.8588897"},
                 {48, "48.0"},
                 {-0.0, "-0.0"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1e-7, "1e-07"},
                 {2, "2.0"},
                 {-180.0, "-180.0"}};
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        BUFFER_AUTO text = BUFFER_EMPTY;
        cache_number(&text, cases[i].number);
        assert_string_equal(buffer_text(&text), cases[i].text);
        assert_true(strtod(buffer_text(&text), NULL) == cases[i].number);
    }
}

/* A directory of its own with the path of a cache in it. */
struct fixture {
    char directory[32];
    char path[64];
    struct cache cache;
    struct nominatim_place place;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    (void) strcpy(fixture->directory, "/tmp/digitalism-cache-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    (void) snprintf(fixture->path, sizeof(fixture->path), "%s/c.json", fixture->directory);
    fixture->cache = (struct cache) CACHE_EMPTY;
    fixture->place = (struct nominatim_place){.latitude = 1.5, .longitude = 2.5};
    buffer_append_text(&fixture->place.display_name, "\"x\"");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[64];
    cache_close(&fixture->cache);
    buffer_done(&fixture->place.display_name);
    (void) snprintf(command, sizeof(command), "rm -r %s", fixture->directory);
    int code = system(command);
    free(fixture);
    return code;
}

static void keep(struct fixture *fixture, const char *city)
{
    struct err err;
    assert_int_equal(cache_keep(&fixture->cache, city, "1", &fixture->place, STOP_NONE, &err), 0);
}

static enum cache_answer find(struct fixture *fixture, const char *city)
{
    double latitude = 0;
    double longitude = 0;
    bool is_bad = false;
    enum cache_answer answer = cache_find(&fixture->cache, city, "1", &latitude, &longitude, &is_bad);
    assert_true(answer != CACHE_PLACE || (latitude == 1.5 && longitude == 2.5));
    return answer;
}

static void expect_file(struct fixture *fixture, const char *text)
{
    BUFFER_AUTO found = BUFFER_EMPTY;
    assert_int_equal(file_read(&found, fixture->path, 100000, NULL), 0);
    assert_string_equal(buffer_text(&found), text);
}

#define ENTRY(key, city)                                                                                               \
    "\"" key "_1\": {\"latitude\": 1.5, \"longitude\": 2.5, \"display_name\": \"x\", \"city\": \"" city                \
    "\", \"postcode\": \"1\"}"

/* A file system without room stops at a size; so does a limit on files. The old file stays whole, the answer is known,
 * and reaches the disk with the next one that does. */
static void test_no_room(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    struct rlimit limit;
    (void) signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(cache_open(&fixture->cache, fixture->path, STOP_NONE, &err), 0);
    keep(fixture, "A");
    expect_file(fixture, "{\n" ENTRY("a", "A") "\n}\n");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    struct rlimit small = {.rlim_cur = 150, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    keep(fixture, "B");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_true(fixture->cache.has_warned);
    expect_file(fixture, "{\n" ENTRY("a", "A") "\n}\n");
    assert_int_equal(find(fixture, "B"), CACHE_PLACE);
    keep(fixture, "C");
    assert_false(fixture->cache.has_warned);
    expect_file(fixture, "{\n" ENTRY("a", "A") ",\n" ENTRY("b", "B") ",\n" ENTRY("c", "C") "\n}\n");
}

/* What another process writes meanwhile is seen, and kept; what it takes away is gone. */
static void test_another_writer(void **state)
{
    struct fixture *fixture = *state;
    struct cache other = CACHE_EMPTY;
    struct err err;
    assert_int_equal(cache_open(&fixture->cache, fixture->path, STOP_NONE, &err), 0);
    assert_int_equal(cache_open(&other, fixture->path, STOP_NONE, &err), 0);
    keep(fixture, "A");
    assert_int_equal(cache_keep(&other, "B", "1", &fixture->place, STOP_NONE, &err), 0);
    assert_int_equal(cache_keep(&other, "D", "1", NULL, STOP_NONE, &err), 0);
    assert_int_equal(find(fixture, "B"), CACHE_PLACE);
    assert_int_equal(find(fixture, "D"), CACHE_UNKNOWN);
    keep(fixture, "C");
    expect_file(fixture, "{\n" ENTRY("a", "A") ",\n" ENTRY("b", "B") ",\n" ENTRY("c", "C") "\n}\n");
    cache_close(&other);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(find(fixture, "B"), CACHE_NOTHING);
}

/* Many entries, so that the index grows; of several with one key the last counts. */
static void test_many_entries(void **state)
{
    struct fixture *fixture = *state;
    struct err err;
    FILE *file = fopen(fixture->path, "w");
    assert_non_null(file);
    (void) fputs("{\"dup_1\": 1, \"DUP_1\": {\"latitude\": 1.5, \"longitude\": 2.5}", file);
    for (int i = 0; i < 5000; i++) {
        (void) fprintf(file, ",\"v%d\\u00c9_1\":{\"latitude\":1.5,\"longitude\":\"2.5\"}", i);
    }
    (void) fputs("}", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(cache_open(&fixture->cache, fixture->path, STOP_NONE, &err), 0);
    assert_int_equal(fixture->cache.places.count, 5002);
    for (int i = 0; i < 5000; i++) {
        char city[16];
        (void) snprintf(city, sizeof(city), "V%dÉ", i);
        assert_int_equal(find(fixture, city), CACHE_PLACE);
    }
    assert_int_equal(find(fixture, "dup"), CACHE_PLACE);
    assert_int_equal(find(fixture, "V5000É"), CACHE_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test_setup_teardown(test_no_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_entries, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
