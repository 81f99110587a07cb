/* The table of all settings.
 * Not here: what is done by kind (setting.c). */
#include "config/settings.h"

#define SECONDS(count)   (INT64_C(1000) * (count))
#define MINUTES(count)   (SECONDS(60) * (count))
#define HOURS(count)     (MINUTES(60) * (count))
#define MEBIBYTES(count) (INT64_C(1024) * 1024 * (count))
#define GIBIBYTES(count) (MEBIBYTES(1024) * (count))
#define MEMBER(name)     .offset = offsetof(struct config, name)

static const char *const duplicates_names[CONFIG_DUPLICATES_COUNT] = {
    [CONFIG_DUPLICATES_SKIP] = "skip", [CONFIG_DUPLICATES_REPLACE] = "replace"};

static const char *const encoding_names[CONFIG_ENCODING_COUNT] = {
    [CONFIG_ENCODING_UTF8] = "utf-8", [CONFIG_ENCODING_CP1252] = "cp1252"};

/* The labels that the web knows (https://encoding.spec.whatwg.org/#names-and-labels). Latin-1 means Windows-1252 there:
 * the two differ in control characters only, which no file has. */
static const char *const encoding_synonyms[][2] = {
    {"utf8", "utf-8"},       {"unicode-1-1-utf-8", "utf-8"}, {"windows-1252", "cp1252"}, {"x-cp1252", "cp1252"},
    {"latin1", "cp1252"},    {"latin-1", "cp1252"},          {"l1", "cp1252"},           {"iso-8859-1", "cp1252"},
    {"iso8859-1", "cp1252"}, {"iso_8859-1", "cp1252"},       {"iso88591", "cp1252"},     {NULL, NULL}};

/* What uvicorn calls its levels. */
static const char *const log_level_synonyms[][2] = {
    {"warning", "warn"}, {"critical", "error"}, {"trace", "debug"}, {NULL, NULL}};

/* In the order in which they are printed. */
const struct config_setting config_settings[] = {
    {.help = {"DATABASE_URL", "unset", "where PostgreSQL is: postgresql://user:password@host:5432/database"},
     .kind = CONFIG_KIND_DATABASE_URL,
     .traits = CONFIG_SECRET | CONFIG_FROM_FILE | CONFIG_OPTIONAL,
     MEMBER(database_url)},
    {.help = {"DATABASE_USER", "unset", "the user to log in as; overrides the URL's"},
     .kind = CONFIG_KIND_TEXT,
     .traits = CONFIG_FROM_FILE | CONFIG_OPTIONAL,
     MEMBER(database_user)},
    {.help = {"DATABASE_PASSWORD", "unset", "the password to log in with; overrides the URL's"},
     .kind = CONFIG_KIND_TEXT,
     .traits = CONFIG_SECRET | CONFIG_FROM_FILE | CONFIG_OPTIONAL,
     MEMBER(database_password)},
    {.help = {"DATABASE_WAIT_TIMEOUT", "60s", "how long to wait for PostgreSQL at start"},
     .kind = CONFIG_KIND_DURATION,
     .min = 100,
     .max = HOURS(24),
     MEMBER(database_wait_timeout_ms)},
    {.help = {"WAIT_FOR_DATABASE", "false", "whether a database that does not exist yet is waited for too"},
     .kind = CONFIG_KIND_BOOLEAN,
     MEMBER(wait_for_database)},
    {.help = {"MIGRATION_DATABASE_URL", "unset",
              "where migrating and loading connect to, when the workers use a pooler"},
     .kind = CONFIG_KIND_DATABASE_URL,
     .traits = CONFIG_SECRET | CONFIG_FROM_FILE | CONFIG_OPTIONAL,
     MEMBER(migration_database_url)},
    {.help = {"MIGRATIONS_PATH", "migrations", "the directory of the migrations"},
     .kind = CONFIG_KIND_PATH,
     MEMBER(migrations_path)},
    {.help = {"MIGRATIONS_STRICT", "false", "whether a file that only looks like a migration is an error"},
     .kind = CONFIG_KIND_BOOLEAN,
     MEMBER(migrations_strict)},
    {.help = {"MIGRATIONS_OUT_OF_ORDER", "false", "whether a new migration may stand before applied ones"},
     .kind = CONFIG_KIND_BOOLEAN,
     MEMBER(migrations_out_of_order)},
    {.help = {"MIGRATIONS_ALLOW_NEWER", "false", "whether a database may be newer than the migrations here"},
     .kind = CONFIG_KIND_BOOLEAN,
     MEMBER(migrations_allow_newer)},
    {.help = {"CSV_DATA_PATH", "data/csv", "a CSV file, or a directory whose *.csv are loaded in name order"},
     .kind = CONFIG_KIND_PATH,
     MEMBER(csv_data_path)},
    {.help = {"ETL_ENCODING", "utf-8", "what CSV files are written in: utf-8 or cp1252"},
     .kind = CONFIG_KIND_NAME,
     .names = encoding_names,
     .name_count = CONFIG_ENCODING_COUNT,
     .synonyms = encoding_synonyms,
     MEMBER(etl_encoding)},
    {.help = {"ETL_COLUMNS", "unset", "how a CSV file calls our columns: name=ville,postal_code=cp"},
     .kind = CONFIG_KIND_COLUMNS,
     .traits = CONFIG_OPTIONAL,
     MEMBER(etl_columns)},
    {.help = {"RUN_ETL_ON_STARTUP", "false", "whether `api` loads the CSV files before it serves"},
     .kind = CONFIG_KIND_BOOLEAN,
     MEMBER(run_etl_on_startup)},
    {.help = {"ETL_DUPLICATE_HANDLING", "skip", "what a row does to one that is there: skip or replace"},
     .kind = CONFIG_KIND_NAME,
     .names = duplicates_names,
     .name_count = CONFIG_DUPLICATES_COUNT,
     MEMBER(etl_duplicate_handling)},
    {.help = {"ETL_BATCH_SIZE", "100", "rows of one transaction"},
     .kind = CONFIG_KIND_INTEGER,
     .min = 1,
     .max = 100000,
     MEMBER(etl_batch_size)},
    {.help = {"ETL_JOBS", "auto", "connections that load at the same time; auto is one a usable CPU, at most 4"},
     .kind = CONFIG_KIND_INTEGER,
     .min = 1,
     .max = 16,
     .zero_name = "auto",
     MEMBER(etl_jobs)},
    {.help = {"ETL_MAX_REJECTS", "10%", "rejected rows over which loading fails: a count or a share"},
     .kind = CONFIG_KIND_LIMIT,
     MEMBER(etl_max_rejects)},
    {.help = {"ETL_REJECTS_PATH", "unset", "the directory where rejected rows are written as CSV too"},
     .kind = CONFIG_KIND_PATH,
     .traits = CONFIG_OPTIONAL,
     MEMBER(etl_rejects_path)},
    {.help = {"ETL_ENABLE_GEOCODING", "false", "whether missing coordinates are asked of Nominatim"},
     .kind = CONFIG_KIND_BOOLEAN,
     MEMBER(etl_enable_geocoding)},
    {.help = {"NOMINATIM_URL", "http://localhost:8080", "the Nominatim server to ask"},
     .kind = CONFIG_KIND_URL,
     MEMBER(nominatim_url)},
    {.help = {"NOMINATIM_USER_AGENT", "digitalism/" DIGITALISM_VERSION, "how we introduce ourselves to Nominatim"},
     .kind = CONFIG_KIND_TEXT,
     MEMBER(nominatim_user_agent)},
    {.help = {"NOMINATIM_RATE_LIMIT", "1s", "the least time between two requests to Nominatim"},
     .kind = CONFIG_KIND_DURATION,
     .max = HOURS(1),
     MEMBER(nominatim_rate_limit_ms)},
    {.help = {"NOMINATIM_MAX_RETRIES", "3", "how often a failed request to Nominatim is tried again"},
     .kind = CONFIG_KIND_INTEGER,
     .max = 100,
     MEMBER(nominatim_max_retries)},
    {.help = {"NOMINATIM_RETRY_DELAY", "2s", "the delay before the first such retry"},
     .kind = CONFIG_KIND_DURATION,
     .max = HOURS(1),
     MEMBER(nominatim_retry_delay_ms)},
    {.help = {"NOMINATIM_TIMEOUT", "10s", "how long one request to Nominatim may take"},
     .kind = CONFIG_KIND_DURATION,
     .min = 100,
     .max = MINUTES(5),
     MEMBER(nominatim_timeout_ms)},
    {.help = {"NOMINATIM_CACHE_FILE", "data/cache/geocoding_cache.json", "where found coordinates are kept"},
     .kind = CONFIG_KIND_PATH,
     MEMBER(nominatim_cache_file)},
    {.help = {"HOST", "0.0.0.0", "the address to listen on"},
     .alias = "UVICORN_HOST",
     .kind = CONFIG_KIND_TEXT,
     MEMBER(host)},
    {.help = {"PORT", "8000", "the port to listen on; 0 is any free one"},
     .alias = "UVICORN_PORT",
     .kind = CONFIG_KIND_INTEGER,
     .max = 65535,
     MEMBER(port)},
    {.help = {"WORKERS", "auto", "how many processes serve; auto is one for each usable CPU"},
     .alias = "UVICORN_WORKERS",
     .kind = CONFIG_KIND_INTEGER,
     .min = 1,
     .max = 256,
     .zero_name = "auto",
     MEMBER(workers)},
    {.help = {"GRACEFUL_TIMEOUT", "8s", "how long a stop waits for requests in flight"},
     .kind = CONFIG_KIND_DURATION,
     .max = HOURS(1),
     MEMBER(graceful_timeout_ms)},
    {.help = {"DRAIN_DELAY", "0s", "how long a stop still takes new connections, while /health says 503"},
     .kind = CONFIG_KIND_DURATION,
     .max = MINUTES(10),
     MEMBER(drain_delay_ms)},
    {.help = {"MAX_REQUESTS", "never", "requests after about which a worker is replaced"},
     .alias = "UVICORN_LIMIT_MAX_REQUESTS",
     .kind = CONFIG_KIND_INTEGER,
     .min = 1,
     .max = INT64_C(1000000000000),
     .zero_name = "never",
     MEMBER(max_requests)},
    {.help = {"WORKER_MEMORY_LIMIT", "none", "resident memory over which a worker is replaced"},
     .kind = CONFIG_KIND_SIZE,
     .min = MEBIBYTES(16),
     .max = GIBIBYTES(1024),
     .zero_name = "none",
     MEMBER(worker_memory_limit_bytes)},
    {.help = {"LOG_LEVEL", "info", "the least level that is logged: debug, info, warn or error"},
     .alias = "UVICORN_LOG_LEVEL",
     .kind = CONFIG_KIND_NAME,
     .names = log_level_names,
     .name_count = LOG_LEVEL_COUNT,
     .synonyms = log_level_synonyms,
     MEMBER(log_level)},
    {.help = {"LOG_FORMAT", "text", "text, or json for one object a line"},
     .kind = CONFIG_KIND_NAME,
     .names = log_format_names,
     .name_count = LOG_FORMAT_COUNT,
     MEMBER(log_format)},
    {.help = {"LOG_FILE", "stdout", "stdout, stderr, or a file that lines are appended to"},
     .kind = CONFIG_KIND_PATH,
     MEMBER(log_file)},
    {.help = {"ACCESS_LOG", "true", "whether each request is logged"}, .kind = CONFIG_KIND_BOOLEAN, MEMBER(access_log)},
};
const size_t config_setting_count = sizeof(config_settings) / sizeof(config_settings[0]);

const struct config_flag_help *config_flag(size_t index)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        if ((config_settings[i].traits & CONFIG_SECRET) == 0 && index-- == 0) {
            return &config_settings[i].help;
        }
    }
    return NULL;
}

bool config_flag_is_switch(const struct config_flag_help *flag)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        if (&config_settings[i].help == flag) {
            return config_settings[i].kind == CONFIG_KIND_BOOLEAN;
        }
    }
    return false;
}
