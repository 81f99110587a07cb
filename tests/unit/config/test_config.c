/* Goal: precedence, checks, faults and warnings of a whole load, each with its exact text.
 * Not here: the grammars of single values and of the files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "digitalism/config.h"

/* One load in a directory of its own, which is the working directory meanwhile. */
struct fixture {
    char directory[64];
    char *environment[16];
    size_t environment_count;
    struct config_flag flags[8];
    struct config_options options;
    struct config_loaded loaded;
    struct buffer faults;
    struct err err;
    int result;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    strcpy(fixture->directory, "/tmp/digitalism-config-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    assert_int_equal(chdir(fixture->directory), 0);
    fixture->options.environment = fixture->environment;
    fixture->options.flags = fixture->flags;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    config_done(&fixture->loaded);
    buffer_done(&fixture->faults);
    (void) unlink(".env");
    (void) unlink("digitalism.ini");
    (void) unlink("other.ini");
    (void) unlink("secret");
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(fixture->directory), 0);
    free(fixture);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void set_environment(struct fixture *fixture, char *text)
{
    assert_true(fixture->environment_count < 15);
    fixture->environment[fixture->environment_count++] = text;
}

static void set_flag(struct fixture *fixture, const char *name, const char *value)
{
    fixture->flags[fixture->options.flag_count++] = (struct config_flag){.name = name, .value = value};
}

static void load(struct fixture *fixture)
{
    fixture->result = config_load(&fixture->loaded, &fixture->options, &fixture->faults, &fixture->err);
}

static void assert_loads(struct fixture *fixture)
{
    load(fixture);
    assert_string_equal(buffer_text(&fixture->faults), "");
    assert_int_equal(fixture->result, 0);
}

static void assert_faults(struct fixture *fixture, const char *lines, const char *summary)
{
    load(fixture);
    assert_string_equal(buffer_text(&fixture->faults), lines);
    assert_int_equal(fixture->result, -ERR_CONFIG);
    assert_string_equal(fixture->err.message, summary);
}

static void test_defaults(void **state)
{
    struct fixture *fixture = *state;
    assert_loads(fixture);
    const struct config *values = &fixture->loaded.values;
    assert_null(values->database_url);
    assert_int_equal(values->database_wait_timeout_ms, 60000);
    assert_string_equal(values->migrations_path, "migrations");
    assert_string_equal(values->csv_data_path, "data/csv");
    assert_false(values->run_etl_on_startup);
    assert_int_equal(values->etl_duplicate_handling, CONFIG_DUPLICATES_SKIP);
    assert_int_equal(values->etl_batch_size, 100);
    assert_int_equal(values->etl_max_rejects.permille, 100);
    assert_null(values->etl_rejects_path);
    assert_string_equal(values->nominatim_user_agent, "digitalism/" DIGITALISM_VERSION);
    assert_int_equal(values->nominatim_rate_limit_ms, 1000);
    assert_int_equal(values->nominatim_max_retries, 3);
    assert_int_equal(values->nominatim_retry_delay_ms, 2000);
    assert_string_equal(values->host, "0.0.0.0");
    assert_int_equal(values->port, 8000);
    assert_int_equal(values->workers, 0);
    assert_int_equal(values->graceful_timeout_ms, 8000);
    assert_int_equal(values->drain_delay_ms, 0);
    assert_int_equal(values->max_requests, 0);
    assert_int_equal(values->worker_memory_limit_bytes, 0);
    assert_int_equal(values->log_level, LOG_LEVEL_INFO);
    assert_int_equal(values->log_format, LOG_FORMAT_TEXT);
    assert_string_equal(values->log_file, "stdout");
    assert_true(values->access_log);
    assert_string_equal(buffer_text(&fixture->loaded.warnings), "");
}

static void test_limits_of_workers(void **state)
{
    struct fixture *fixture = *state;
    set_environment(fixture, "DRAIN_DELAY=2.5s");
    set_environment(fixture, "UVICORN_LIMIT_MAX_REQUESTS=5000");
    set_environment(fixture, "WORKER_MEMORY_LIMIT=256MiB");
    assert_loads(fixture);
    assert_int_equal(fixture->loaded.values.drain_delay_ms, 2500);
    assert_int_equal(fixture->loaded.values.max_requests, 5000);
    assert_int_equal(fixture->loaded.values.worker_memory_limit_bytes, 256 * 1024 * 1024);
    BUFFER_AUTO printed = BUFFER_EMPTY;
    config_print(&fixture->loaded, &printed);
    assert_non_null(strstr(buffer_text(&printed), "\nWORKER_MEMORY_LIMIT     = 256M "));
}

static void test_limits_of_workers_can_be_taken_away(void **state)
{
    struct fixture *fixture = *state;
    write_file(".env", "MAX_REQUESTS=10\nWORKER_MEMORY_LIMIT=1G\n");
    set_environment(fixture, "MAX_REQUESTS=0");
    set_environment(fixture, "WORKER_MEMORY_LIMIT=None");
    assert_loads(fixture);
    assert_int_equal(fixture->loaded.values.max_requests, 0);
    assert_int_equal(fixture->loaded.values.worker_memory_limit_bytes, 0);
}

/* Each source sets one setting more than the next stronger one, so that every step of the order shows. */
static void test_precedence(void **state)
{
    struct fixture *fixture = *state;
    write_file("digitalism.ini", "port=1\nworkers=1\n[etl]\nbatch_size=1\n[nominatim]\nmax_retries=1\n");
    write_file(".env", "PORT=2\nWORKERS=2\nETL_BATCH_SIZE=2\n");
    set_environment(fixture, "PORT=3");
    set_environment(fixture, "WORKERS=3");
    set_flag(fixture, "PORT", "4");
    assert_loads(fixture);
    assert_int_equal(fixture->loaded.values.port, 4);
    assert_int_equal(fixture->loaded.values.workers, 3);
    assert_int_equal(fixture->loaded.values.etl_batch_size, 2);
    assert_int_equal(fixture->loaded.values.nominatim_max_retries, 1);
    BUFFER_AUTO printed = BUFFER_EMPTY;
    config_print(&fixture->loaded, &printed);
    assert_non_null(strstr(buffer_text(&printed), "\nPORT                    = 4 "));
    assert_non_null(strstr(buffer_text(&printed), "(flag)\nWORKERS"));
    assert_non_null(strstr(buffer_text(&printed), "(environment)\nGRACEFUL_TIMEOUT"));
    assert_non_null(strstr(buffer_text(&printed), "(.env:3)\nETL_JOBS"));
    assert_non_null(strstr(buffer_text(&printed), "(digitalism.ini:6)\nNOMINATIM_RETRY_DELAY"));
    assert_non_null(strstr(buffer_text(&printed), "(default)\nPORT"));
    assert_non_null(strstr(buffer_text(&printed), "\nETL_REJECTS_PATH        = (unset)\n"));
}

static void test_empty_values_count_as_not_set(void **state)
{
    struct fixture *fixture = *state;
    write_file(".env", "PORT=2\n");
    set_environment(fixture, "PORT=");
    set_environment(fixture, "DATABASE_PASSWORD_FILE=");
    set_environment(fixture, "ETL_REJECTS_PATH=");
    assert_loads(fixture);
    assert_int_equal(fixture->loaded.values.port, 2);
    assert_null(fixture->loaded.values.etl_rejects_path);
}

static void test_aliases_of_uvicorn(void **state)
{
    struct fixture *fixture = *state;
    write_file(".env", "WORKERS=2\n");
    set_environment(fixture, "UVICORN_HOST=::1");
    set_environment(fixture, "UVICORN_PORT=81");
    set_environment(fixture, "PORT=80");
    set_environment(fixture, "UVICORN_WORKERS=4");
    set_environment(fixture, "UVICORN_LOG_LEVEL=critical");
    assert_loads(fixture);
    assert_string_equal(fixture->loaded.values.host, "::1");
    assert_int_equal(fixture->loaded.values.port, 80);
    assert_int_equal(fixture->loaded.values.workers, 4);
    assert_int_equal(fixture->loaded.values.log_level, LOG_LEVEL_ERROR);
    BUFFER_AUTO printed = BUFFER_EMPTY;
    config_print(&fixture->loaded, &printed);
    assert_non_null(strstr(buffer_text(&printed), "(environment, UVICORN_HOST)\nPORT"));
}

static void test_log_levels(void **state)
{
    struct fixture *fixture = *state;
    set_environment(fixture, "LOG_LEVEL=WARNING");
    set_environment(fixture, "UVICORN_LOG_LEVEL=trace");
    assert_loads(fixture);
    assert_int_equal(fixture->loaded.values.log_level, LOG_LEVEL_WARN);
}

static void test_secrets_from_files(void **state)
{
    struct fixture *fixture = *state;
    write_file("secret", "hidden word\n");
    set_environment(fixture, "DATABASE_PASSWORD_FILE=secret");
    assert_loads(fixture);
    assert_string_equal(fixture->loaded.values.database_password, "hidden word");
    BUFFER_AUTO printed = BUFFER_EMPTY;
    config_print(&fixture->loaded, &printed);
    assert_null(strstr(buffer_text(&printed), "hidden"));
    assert_non_null(strstr(buffer_text(&printed), "(environment, DATABASE_PASSWORD_FILE)"));
}

/* A value in a stronger source beats a file in a weaker one; only within one source the two contradict each other. */
static void test_secret_and_its_file_in_two_sources(void **state)
{
    struct fixture *fixture = *state;
    write_file(".env", "DATABASE_PASSWORD_FILE=missing\n");
    set_environment(fixture, "DATABASE_PASSWORD=word");
    assert_loads(fixture);
    assert_string_equal(fixture->loaded.values.database_password, "word");
}

static void test_secret_faults(void **state)
{
    struct fixture *fixture = *state;
    write_file("secret", "\n");
    set_environment(fixture, "DATABASE_URL=postgresql://h/d");
    set_environment(fixture, "DATABASE_URL_FILE=secret");
    set_environment(fixture, "DATABASE_USER_FILE=secret");
    set_environment(fixture, "DATABASE_PASSWORD_FILE=/missing/word");
    assert_faults(fixture,
                  "DATABASE_URL and DATABASE_URL_FILE (environment): both are set, give one of them\n"
                  "DATABASE_USER_FILE=secret (environment): the file is empty\n"
                  "DATABASE_PASSWORD_FILE=/missing/word (environment): cannot open /missing/word: No such file or "
                  "directory\n",
                  "3 settings are not valid");
}

static void test_all_faults_are_listed_at_once(void **state)
{
    struct fixture *fixture = *state;
    write_file("digitalism.ini", "[etl]\nbatch_size = none\nnot a line\n");
    write_file(".env", "WORKERS=257\nbroken\n");
    set_environment(fixture, "PORT=80o0");
    set_environment(fixture, "UVICORN_LOG_LEVEL=loud");
    set_environment(fixture, "DATABASE_PASSWORD=hidden\nword");
    set_environment(fixture, "NOMINATIM_URL=ftp://u:hidden@host");
    set_environment(fixture, "ETL_DUPLICATE_HANDLING=both");
    set_environment(fixture, "ETL_MAX_REJECTS=110%");
    set_environment(fixture, "ACCESS_LOG=maybe");
    set_flag(fixture, "GRACEFUL_TIMEOUT", "long");
    set_flag(fixture, "DRAIN_DELAY", "11m");
    set_flag(fixture, "MAX_REQUESTS", "-1");
    set_flag(fixture, "WORKER_MEMORY_LIMIT", "15M");
    set_flag(fixture, "DATABASE_URL", "postgresql://u:hidden@h/d");
    set_flag(fixture, "NO_SUCH", "1");
    set_flag(fixture, "WORKER", "1");
    assert_faults(
        fixture,
        ".env:2: not KEY=VALUE or a comment\n"
        "digitalism.ini:3: not a [section], a `key = value` or a comment\n"
        "DATABASE_URL (flag): not taken from the command line, which others can read; give it in the environment\n"
        "NO_SUCH (flag): not a setting\n"
        "WORKER (flag): not a setting; did you mean WORKERS?\n"
        "DATABASE_PASSWORD (environment): not a text of 1 to 8192 bytes without control characters\n"
        "ETL_DUPLICATE_HANDLING=both (environment): not one of skip, replace\n"
        "ETL_BATCH_SIZE=none (digitalism.ini:2): not a number from 1 to 100000\n"
        "ETL_MAX_REJECTS=110% (environment): not a count, nor a share from 0% to 100% with at most one decimal\n"
        "NOMINATIM_URL=ftp://u:***@host (environment): not a URL such as http://localhost:8080 or "
        "https://host/path\n"
        "PORT=80o0 (environment): not a number from 0 to 65535\n"
        "WORKERS=257 (.env:1): not a number from 1 to 256, or auto\n"
        "GRACEFUL_TIMEOUT=long (flag): not a duration from 0s to 60m, such as 500ms, 8s, 2m, or 1.5 for seconds\n"
        "DRAIN_DELAY=11m (flag): not a duration from 0s to 10m, such as 500ms, 8s, 2m, or 1.5 for seconds\n"
        "MAX_REQUESTS=-1 (flag): not a number from 1 to 1000000000000, or never\n"
        "WORKER_MEMORY_LIMIT=15M (flag): not a size from 16M to 1024G, such as 256M, 1G, 512MiB or bytes, or none\n"
        "UVICORN_LOG_LEVEL=loud (environment): not one of debug, info, warn, error\n"
        "ACCESS_LOG=maybe (environment): not one of true, false, yes, no, on, off, 1, 0\n",
        "18 settings are not valid");
}

static int refuse_url(const char *url, struct err *err)
{
    assert_string_equal(url, "postgresql://u:hidden@h/d");
    return err_set(err, ERR_CONFIG, "refused for a reason");
}

static void test_database_url_is_checked_and_never_shown(void **state)
{
    struct fixture *fixture = *state;
    set_environment(fixture, "DATABASE_URL=postgresql://u:hidden@h/d");
    fixture->options.check_database_url = refuse_url;
    fixture->options.database_required = true;
    assert_faults(fixture, "DATABASE_URL (environment): refused for a reason\n", "1 setting is not valid");
    BUFFER_AUTO printed = BUFFER_EMPTY;
    config_print(&fixture->loaded, &printed);
    assert_null(strstr(buffer_text(&printed), "hidden"));
}

static int refuse_columns(const char *text, struct err *err)
{
    assert_string_equal(text, "name");
    return err_set(err, ERR_CONFIG, "refused for a reason");
}

static void test_columns_are_checked_by_their_reader(void **state)
{
    struct fixture *fixture = *state;
    set_environment(fixture, "ETL_COLUMNS=name=ville,postal_code=\"cp, 5\"");
    assert_loads(fixture);
    assert_string_equal(fixture->loaded.values.etl_columns, "name=ville,postal_code=\"cp, 5\"");
}

static void test_columns_are_refused(void **state)
{
    struct fixture *fixture = *state;
    set_environment(fixture, "ETL_COLUMNS=name");
    fixture->options.check_columns = refuse_columns;
    assert_faults(fixture, "ETL_COLUMNS=name (environment): refused for a reason\n", "1 setting is not valid");
}

static void test_encoding_has_synonyms(void **state)
{
    struct fixture *fixture = *state;
    set_environment(fixture, "ETL_ENCODING=Latin1");
    assert_loads(fixture);
    assert_int_equal(fixture->loaded.values.etl_encoding, CONFIG_ENCODING_CP1252);
}

static void test_database_url_is_missing(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.database_required = true;
    assert_faults(fixture,
                  "DATABASE_URL is not set: give it as postgresql://user:password@host:5432/database in the "
                  "environment, in .env or in the INI file, or name a file that holds it in DATABASE_URL_FILE\n",
                  "1 setting is not valid");
}

static void test_names_that_look_like_slips_are_warned_about(void **state)
{
    struct fixture *fixture = *state;
    write_file(".env", "OTHER_PROGRAM=1\nETL_BATCHSIZE=1\n");
    write_file("digitalism.ini", "[etl]\nbatch_sise = 1\ncolour = red\n");
    set_environment(fixture, "NOMINatIM_URL=http://h");
    set_environment(fixture, "HOSTNAME=h");
    set_environment(fixture, "HOME=/");
    set_environment(fixture, "POSTGRES_PASSWORD=hidden");
    set_environment(fixture, "DATABASE_PASWORD=hidden");
    assert_loads(fixture);
    assert_string_equal(buffer_text(&fixture->loaded.warnings),
                        "NOMINatIM_URL is not a setting; did you mean NOMINATIM_URL?\n"
                        "DATABASE_PASWORD is not a setting; did you mean DATABASE_PASSWORD?\n"
                        ".env:2: ETL_BATCHSIZE is not a setting; did you mean ETL_BATCH_SIZE?\n"
                        "digitalism.ini:2: ETL_BATCH_SISE is not a setting; did you mean ETL_BATCH_SIZE?\n"
                        "digitalism.ini:3: ETL_COLOUR is not a setting, ignored\n");
}

static void test_ini_file_is_named_by_option_or_environment(void **state)
{
    struct fixture *fixture = *state;
    write_file("digitalism.ini", "port=1\n");
    write_file("other.ini", "port=2\n");
    set_environment(fixture, "DIGITALISM_CONFIG=other.ini");
    assert_loads(fixture);
    assert_int_equal(fixture->loaded.values.port, 2);
    config_done(&fixture->loaded);
    fixture->options.ini_path = "digitalism.ini";
    assert_loads(fixture);
    assert_int_equal(fixture->loaded.values.port, 1);
}

static void test_named_files_must_exist(void **state)
{
    struct fixture *fixture = *state;
    set_environment(fixture, "DIGITALISM_CONFIG=missing.ini");
    fixture->options.dotenv_path = "missing.env";
    assert_faults(fixture,
                  "cannot open missing.env: No such file or directory\n"
                  "DIGITALISM_CONFIG (environment): cannot open missing.ini: No such file or directory\n",
                  "2 settings are not valid");
}

static void test_flags_have_help_and_are_no_secrets(void **state)
{
    (void) state;
    size_t count = 0;
    for (; config_flag(count) != NULL; count++) {
        assert_non_null(config_flag(count)->summary);
        assert_non_null(config_flag(count)->default_text);
        assert_string_not_equal(config_flag(count)->name, "DATABASE_URL");
        assert_string_not_equal(config_flag(count)->name, "DATABASE_PASSWORD");
    }
    assert_int_equal(count, 35);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_defaults),
        CASE(test_limits_of_workers),
        CASE(test_limits_of_workers_can_be_taken_away),
        CASE(test_precedence),
        CASE(test_empty_values_count_as_not_set),
        CASE(test_aliases_of_uvicorn),
        CASE(test_log_levels),
        CASE(test_secrets_from_files),
        CASE(test_secret_and_its_file_in_two_sources),
        CASE(test_secret_faults),
        CASE(test_all_faults_are_listed_at_once),
        CASE(test_database_url_is_checked_and_never_shown),
        CASE(test_columns_are_checked_by_their_reader),
        CASE(test_columns_are_refused),
        CASE(test_encoding_has_synonyms),
        CASE(test_database_url_is_missing),
        CASE(test_names_that_look_like_slips_are_warned_about),
        CASE(test_ini_file_is_named_by_option_or_environment),
        CASE(test_named_files_must_exist),
        cmocka_unit_test(test_flags_have_help_and_are_no_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
