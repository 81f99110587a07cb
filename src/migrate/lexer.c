/* Tokens of SQL.
 * Not here: statements (script.c). */
#include "migrate/lexer.h"

#include <string.h>
#include <strings.h>

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

/* Block comments nest. One that is not closed reaches to the end, as do strings: of those the server will say so, but
 * comments are not sent to it. */
static void skip_block_comment(struct migrate_lexer *lexer)
{
    size_t depth = 0;
    size_t start = lexer->at;
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
    if (depth > 0) {
        lexer->is_open = true;
        lexer->open = start;
    }
}

static bool is_line_end(char character)
{
    return character == '\n' || character == '\r';
}

static void skip_line_comment(struct migrate_lexer *lexer)
{
    while (lexer->at < lexer->length && !is_line_end(lexer->text[lexer->at])) {
        lexer->at += 1;
    }
}

static bool at_blank(const struct migrate_lexer *lexer)
{
    return strchr(" \t\n\r\f\v", lexer->text[lexer->at]) != NULL;
}

static void skip_blanks(struct migrate_lexer *lexer)
{
    while (lexer->at < lexer->length) {
        if (at_blank(lexer)) {
            lexer->at += 1;
        } else if (at_text(lexer, "--")) {
            skip_line_comment(lexer);
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

/* Behind a string, another quote continues it when there is a line end between them; `--` comments may stand there too,
 * others not (manual, 4.1.2.1). */
static bool skip_to_continuation(struct migrate_lexer *lexer)
{
    struct migrate_lexer ahead = *lexer;
    bool has_line_end = false;
    while (ahead.at < ahead.length && (at_blank(&ahead) || at_text(&ahead, "--"))) {
        if (at_blank(&ahead)) {
            has_line_end |= is_line_end(ahead.text[ahead.at]);
            ahead.at += 1;
        } else {
            skip_line_comment(&ahead);
        }
    }
    if (!has_line_end || ahead.at == ahead.length || ahead.text[ahead.at] != '\'') {
        return false;
    }
    lexer->at = ahead.at;
    return true;
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
        do {
            skip_quoted(lexer, '\'', true);
        } while (skip_to_continuation(lexer));
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
        /* A dollar quote may begin right behind it, as behind the parameter $1. */
        while (lexer->at < lexer->length && is_word_part(lexer->text[lexer->at]) && lexer->text[lexer->at] != '$') {
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

bool migrate_token_is(const char *text, const struct migrate_token *token, const char *word)
{
    return token->length == strlen(word) && strncasecmp(text + token->start, word, token->length) == 0;
}
