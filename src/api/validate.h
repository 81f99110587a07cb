/* Checking what a request carries, and the 422 answer in FastAPI's form, with all faults at once.
 * Not here: bodies; what a valid value is looked up in. */
#ifndef DIGITALISM_API_VALIDATE_H
#define DIGITALISM_API_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digitalism/base/buffer.h"
#include "digitalism/http.h"
#include "digitalism/json.h"

/* Where a value stood: the first element of `loc`. */
enum api_place { API_PLACE_PATH, API_PLACE_QUERY, API_PLACE_COUNT };

/* The answer's body while it grows. */
struct api_faults {
    struct buffer body;
    struct json_writer json;
    size_t count;
};
void api_faults_init(struct api_faults *faults);
void api_faults_done(struct api_faults *faults);
/* Adds one fault. `type` is one of the contract's; `message` is for people. */
void api_faults_add(struct api_faults *faults, enum api_place place, const char *name, const char *type,
                    const char *message, const char *input, size_t length);
/* Answers 422 and releases the faults. */
void api_faults_reply(struct api_faults *faults, struct http_exchange *exchange);

/* A whole number in decimal, with an optional sign and white space around it. */
enum api_integer { API_INTEGER_VALID, API_INTEGER_MALFORMED, API_INTEGER_BELOW, API_INTEGER_ABOVE };
/* BELOW and ABOVE: a number, but beyond what int64_t holds. *out is set for VALID only. */
enum api_integer api_parse_integer(int64_t *out, const char *text, size_t length);

/* The path's only parameter as an id. `*id` is 0, which no row has, for numbers that no row can have. */
bool api_path_id(struct api_faults *faults, struct http_exchange *exchange, const char *name, int64_t *id);

/* A query parameter that is a count, 0 … 2^63-1; `missing` when it is not given. */
bool api_query_count(struct api_faults *faults, struct http_exchange *exchange, const char *name, int64_t missing,
                     int64_t *out);

/* Whether PostgreSQL can take it as text: UTF-8 without NUL. */
bool api_text_valid(const char *text, size_t length);

#endif
