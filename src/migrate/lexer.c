/* Cutting SQL into tokens as PostgreSQL's own lexer does (manual, 4.1), and what can be seen from tokens alone. Pure.
 * Not here: running anything; the grammar. */
#include <string.h>
#include <strings.h>

#include "migrate/internal.h"

static bool is_word_start(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || character == '_' ||
           (unsigned char) character >= 0x80;
}

static bool is_word_part(char character)
{
    return is_word_start(character) || (character >= '0' && character <= '9') || character == '$';
}

static bool at_text(const struct migrate_lexer *lexer, const char *text)
{
    size_t length = strlen(text);
    return lexer->length - lexer->at >= length && memcmp(lexer->text + lexer->at, text, length) == 0;
}

/* Block comments nest. One that is not closed reaches to the end, as do strings: the server will say so. */
static void skip_block_comment(struct migrate_lexer *lexer)
{
    size_t depth = 0;
    do {
        if (at_text(lexer, "/*")) {
            depth += 1;
            lexer->at += 2;
        } else if (at_text(lexer, "*/")) {
            depth -= 1;
            lexer->at += 2;
        } else {
            lexer->at += 1;
        }
    } while (depth > 0 && lexer->at < lexer->length);
}

static void skip_blanks(struct migrate_lexer *lexer)
{
    while (lexer->at < lexer->length) {
        if (strchr(" \t\n\r\f\v", lexer->text[lexer->at]) != NULL) {
            lexer->at += 1;
        } else if (at_text(lexer, "--")) {
            const char *rest = lexer->text + lexer->at;
            const char *end = memchr(rest, '\n', lexer->length - lexer->at);
            lexer->at = end == NULL ? lexer->length : (size_t) (end - lexer->text);
        } else if (at_text(lexer, "/*")) {
            skip_block_comment(lexer);
        } else {
            return;
        }
    }
}

/* Skips a quoted text; a doubled quote is one that belongs to it. */
static void skip_quoted(struct migrate_lexer *lexer, char quote, bool backslashes)
{
    lexer->at += 1;
    while (lexer->at < lexer->length) {
        char character = lexer->text[lexer->at++];
        if (backslashes && character == '\\' && lexer->at < lexer->length) {
            lexer->at += 1;
        } else if (character == quote) {
            if (lexer->at == lexer->length || lexer->text[lexer->at] != quote) {
                return;
            }
            lexer->at += 1;
        }
    }
}

/* The length of a dollar quote's opening ($$ or $tag$), or 0 where there is none. */
static size_t dollar_tag(const struct migrate_lexer *lexer)
{
    size_t at = lexer->at + 1;
    if (at < lexer->length && is_word_start(lexer->text[at])) {
        while (at < lexer->length && is_word_part(lexer->text[at]) && lexer->text[at] != '$') {
            at++;
        }
    }
    return at < lexer->length && lexer->text[at] == '$' ? at + 1 - lexer->at : 0;
}

static void skip_dollar_quoted(struct migrate_lexer *lexer, size_t tag_length)
{
    const char *tag = lexer->text + lexer->at;
    const char *body = tag + tag_length;
    size_t rest = lexer->length - lexer->at - tag_length;
    const char *end = memmem(body, rest, tag, tag_length);
    lexer->at = end == NULL ? lexer->length : (size_t) (end - lexer->text) + tag_length;
}

static void take_word(struct migrate_lexer *lexer)
{
    size_t start = lexer->at;
    while (lexer->at < lexer->length && is_word_part(lexer->text[lexer->at])) {
        lexer->at += 1;
    }
    /* E'…' is the one string in which a backslash means something. */
    bool escape = lexer->at - start == 1 && (lexer->text[start] == 'E' || lexer->text[start] == 'e');
    if (escape && lexer->at < lexer->length && lexer->text[lexer->at] == '\'') {
        skip_quoted(lexer, '\'', true);
    }
}

bool migrate_lexer_next(struct migrate_lexer *lexer, struct migrate_token *token)
{
    skip_blanks(lexer);
    if (lexer->at >= lexer->length) {
        return false;
    }
    size_t start = lexer->at;
    char first = lexer->text[start];
    size_t tag_length = first == '$' ? dollar_tag(lexer) : 0;
    if (is_word_start(first)) {
        take_word(lexer);
    } else if (first >= '0' && first <= '9') {
        while (lexer->at < lexer->length && is_word_part(lexer->text[lexer->at])) {
            lexer->at += 1;
        }
    } else if (first == '\'' || first == '"') {
        skip_quoted(lexer, first, false);
    } else if (tag_length > 0) {
        skip_dollar_quoted(lexer, tag_length);
    } else {
        lexer->at += 1;
    }
    *token = (struct migrate_token){.start = start, .length = lexer->at - start};
    return true;
}

static bool is_word(const struct migrate_lexer *lexer, const struct migrate_token *token, const char *word)
{
    return token->length == strlen(word) && strncasecmp(lexer->text + token->start, word, token->length) == 0;
}

#define STATEMENT_WORDS 4 /* the first tokens of a statement, by which it is known */

struct statement {
    struct migrate_token words[STATEMENT_WORDS];
    size_t count;
    size_t parentheses;
    size_t blocks; /* BEGIN ATOMIC … END and the CASE … END in it */
};

/* Whether `;` inside BEGIN … END belongs to the statement: CREATE [OR REPLACE] FUNCTION or PROCEDURE. */
static bool has_body(const struct migrate_lexer *lexer, const struct statement *statement)
{
    if (statement->count < 2 || !is_word(lexer, &statement->words[0], "create")) {
        return false;
    }
    size_t kind = statement->count == STATEMENT_WORDS && is_word(lexer, &statement->words[1], "or") ? 3 : 1;
    return is_word(lexer, &statement->words[kind], "function") || is_word(lexer, &statement->words[kind], "procedure");
}

/* Reads one statement up to its `;`. False at the end of the text. */
static bool read_statement(struct migrate_lexer *lexer, struct statement *out)
{
    struct migrate_token token;
    *out = (struct statement){.count = 0};
    while (migrate_lexer_next(lexer, &token)) {
        char first = lexer->text[token.start]; /* of strings and words it is none of those below */
        if (first == ';' && out->parentheses == 0 && out->blocks == 0) {
            return true;
        }
        if (out->count < STATEMENT_WORDS) {
            out->words[out->count++] = token;
        }
        if (first == '(') {
            out->parentheses += 1;
        } else if (first == ')' && out->parentheses > 0) {
            out->parentheses -= 1;
        } else if (has_body(lexer, out)) {
            bool opens = is_word(lexer, &token, "begin") || (out->blocks > 0 && is_word(lexer, &token, "case"));
            bool closes = out->blocks > 0 && is_word(lexer, &token, "end");
            out->blocks = out->blocks + (opens ? 1 : 0) - (closes ? 1 : 0);
        }
    }
    return out->count > 0;
}

static bool ends_transaction(const struct migrate_lexer *lexer, const struct statement *statement)
{
    const struct migrate_token *words = statement->words;
    if (is_word(lexer, &words[0], "commit") || is_word(lexer, &words[0], "end") || is_word(lexer, &words[0], "abort")) {
        return true;
    }
    if (is_word(lexer, &words[0], "prepare")) {
        return statement->count > 1 && is_word(lexer, &words[1], "transaction");
    }
    if (!is_word(lexer, &words[0], "rollback")) {
        return false;
    }
    /* ROLLBACK [WORK | TRANSACTION] TO a savepoint stays inside. */
    size_t next =
        statement->count > 1 && (is_word(lexer, &words[1], "work") || is_word(lexer, &words[1], "transaction")) ? 2 : 1;
    return statement->count <= next || !is_word(lexer, &words[next], "to");
}

bool migrate_find_transaction_end(const char *text, size_t length, struct migrate_token *found)
{
    struct migrate_lexer lexer = {.text = text, .length = length, .at = 0};
    struct statement statement;
    while (read_statement(&lexer, &statement)) {
        if (statement.count > 0 && ends_transaction(&lexer, &statement)) {
            *found = statement.words[0];
            return true;
        }
    }
    return false;
}
