/* Cutting SQL into tokens as psql and PostgreSQL do (manual, 4.1). Pure.
 * Not here: statements (script.h); the grammar. */
#ifndef MIGRATE_LEXER_H
#define MIGRATE_LEXER_H

#include <stdbool.h>
#include <stddef.h>

/* Assumes standard_conforming_strings, the default since PostgreSQL 9.1. */
struct migrate_lexer {
    const char *text;
    size_t length; /* where to stop */
    size_t at;     /* where to go on */
    bool is_open;  /* a comment is not closed, and begins at `open` */
    size_t open;
};

/* A word, number, string, quoted name, dollar-quoted text or single character; never blank, never a comment. */
struct migrate_token {
    size_t start;
    size_t length;
};
bool migrate_lexer_next(struct migrate_lexer *lexer, struct migrate_token *token);

/* Whether the token is this keyword, in any case. */
bool migrate_token_is(const char *text, const struct migrate_token *token, const char *word);

#endif
