/* The settings: flags over environment over .env over INI file over defaults, read whole and checked whole.
 * Not here: what a setting means to its part; the database URL's own grammar (see `check_database_url`). */
#ifndef DIGITALISM_CONFIG_H
#define DIGITALISM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/base/error.h"
#include "digitalism/base/log.h"

enum config_duplicates { CONFIG_DUPLICATES_SKIP, CONFIG_DUPLICATES_REPLACE, CONFIG_DUPLICATES_COUNT };

/* What CSV files are written in. */
enum config_encoding { CONFIG_ENCODING_UTF8, CONFIG_ENCODING_CP1252, CONFIG_ENCODING_COUNT };

/* Where a value came from, in rising order of precedence. */
enum config_source {
    CONFIG_SOURCE_DEFAULT,
    CONFIG_SOURCE_INI,
    CONFIG_SOURCE_DOTENV,
    CONFIG_SOURCE_ENVIRONMENT,
    CONFIG_SOURCE_FLAG,
    CONFIG_SOURCE_COUNT
};

/* A limit that is either a count or a share of the rows read. */
struct config_limit {
    int64_t count;    /* used when `permille` is negative */
    int32_t permille; /* 0 … 1000, or -1 */
};

/* Every effective setting, in its own type. Strings are owned by the config; an unset one is NULL. */
struct config {
    char *database_url; /* required by every command that touches PostgreSQL */
    char *database_user;
    char *database_password;
    int64_t database_wait_timeout_ms;
    bool wait_for_database;       /* an unknown database is waited for as an absent server is */
    char *migration_database_url; /* for the stages; unset: as the workers */
    char *migrations_path;
    bool migrations_strict;
    bool migrations_out_of_order;
    bool migrations_allow_newer;
    enum config_encoding etl_encoding;
    char *csv_data_path;
    char *etl_columns; /* see `check_columns` */
    bool run_etl_on_startup;
    enum config_duplicates etl_duplicate_handling;
    int64_t etl_batch_size;
    int64_t etl_jobs; /* 0: by the usable CPUs */
    struct config_limit etl_max_rejects;
    char *etl_rejects_path;
    bool etl_enable_geocoding;
    char *nominatim_url;
    char *nominatim_user_agent;
    int64_t nominatim_rate_limit_ms;
    int64_t nominatim_max_retries;
    int64_t nominatim_retry_delay_ms;
    int64_t nominatim_timeout_ms;
    char *nominatim_cache_file;
    char *host;
    int64_t port;    /* 0: any free one */
    int64_t workers; /* 0: as many as there are usable CPUs */
    int64_t graceful_timeout_ms;
    int64_t drain_delay_ms;
    int64_t max_requests;              /* of one worker; 0: no limit */
    int64_t worker_memory_limit_bytes; /* 0: no limit */
    enum log_level log_level;
    enum log_format log_format;
    char *log_file; /* "stdout", "stderr" or a path */
    bool access_log;
};

struct config_options {
    /* The flags `--name value` of the command line, already split: names in the setting's form (`PORT`). */
    const struct config_flag {
        const char *name;
        const char *value;
    } * flags;
    size_t flag_count;
    char *const *environment; /* like environ */
    const char *ini_path;     /* NULL: $DIGITALISM_CONFIG, else ./digitalism.ini if it exists */
    const char *dotenv_path;  /* NULL: ./.env if it exists */
    bool database_required;   /* DATABASE_URL missing is a fault */
    /* Told by main: says why a database URL will not do, without repeating any secret in it. May be NULL. */
    int (*check_database_url)(const char *url, struct err *err);
    /* Told by main: says why a text will not do as ETL_COLUMNS. May be NULL. */
    int (*check_columns)(const char *text, struct err *err);
};

struct config_sources; /* for each setting where its value came from; private */

/* A loaded configuration with what `config` prints and what the log must be told. */
struct config_loaded {
    struct config values;
    struct config_sources *sources;
    struct buffer warnings; /* lines, each ended by '\n': unknown names that look like known ones, and so on */
};

/* Reads and checks everything. Where a setting will not do, -ERR_CONFIG with a summary as the message, and every fault
 * as a line in `faults`: the setting, its value (never a secret's), its source and what is allowed. `*out` must be
 * released also after failure; what was faulty has its default there, so that the log can be opened. */
int config_load(struct config_loaded *out, const struct config_options *options, struct buffer *faults,
                struct err *err);
void config_done(struct config_loaded *loaded);

/* Appends one line a setting, always in the same order: `NAME = value  (source)`, aligned; secrets are redacted. */
void config_print(const struct config_loaded *loaded, struct buffer *out);

/* The settings that may be given as flags, for the command line and --help: name in upper case, its default as text
 * ("unset" where it has none), and one line on what it does. Returns NULL behind the last. Secrets are not among them:
 * arguments are public. */
struct config_flag_help {
    const char *name;
    const char *default_text;
    const char *summary;
};
const struct config_flag_help *config_flag(size_t index);

/* Whether the flag's value is a boolean, so that it may be left out and means true. */
bool config_flag_is_switch(const struct config_flag_help *flag);

/* true, yes, on, 1 and false, no, off, 0, in any case. False, and the output untouched, for any other text. */
bool config_value_boolean(const char *text, bool *out);

/* `500ms`, `8s`, `2m`, or a bare number of seconds, each with up to 6 decimals; rounded to whole milliseconds. False,
 * and the output untouched, where the text is none or out of range. Here for commands with a flag of their own. */
bool config_value_duration(const char *text, int64_t min_ms, int64_t max_ms, int64_t *out_ms);

#endif
