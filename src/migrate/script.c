/* Statements out of tokens, by psql's rules for where one ends.
 * Not here: tokens (lexer.c). */
#include "migrate/script.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "migrate/lexer.h"

/* The first tokens of a statement, by which it is known. The longest: ALTER TABLE IF EXISTS ONLY a.b DETACH PARTITION
 * c.d CONCURRENTLY. */
#define WORDS_MAX 16

struct parser {
    const char *text;
    struct migrate_lexer lexer;
    struct migrate_script script;
    size_t capacity;
    /* Of the statement that is being read. */
    struct migrate_token words[WORDS_MAX];
    size_t count;
    size_t parentheses;
    size_t blocks; /* BEGIN ATOMIC … END, and the CASE … END in it */
    bool from;     /* the last token outside of parentheses was FROM */
    bool from_stdin;
};

static bool word_is(const struct parser *parser, size_t index, const char *word)
{
    return index < parser->count && index < WORDS_MAX && migrate_token_is(parser->text, &parser->words[index], word);
}

/* Whether `;` inside BEGIN … END belongs to the statement: CREATE [OR REPLACE] FUNCTION or PROCEDURE. */
static bool has_body(const struct parser *parser)
{
    size_t kind = word_is(parser, 1, "or") && word_is(parser, 2, "replace") ? 3 : 1;
    return word_is(parser, 0, "create") && (word_is(parser, kind, "function") || word_is(parser, kind, "procedure"));
}

static void note_token(struct parser *parser, const struct migrate_token *token)
{
    char first = parser->text[token->start]; /* of strings and words it is none of those below */
    if (parser->count < WORDS_MAX) {
        parser->words[parser->count] = *token;
    }
    parser->count += 1;
    if (first == '(') {
        parser->parentheses += 1;
    } else if (first == ')' && parser->parentheses > 0) {
        parser->parentheses -= 1;
    } else if (parser->parentheses == 0) {
        parser->from_stdin |= parser->from && migrate_token_is(parser->text, token, "stdin");
        parser->from = migrate_token_is(parser->text, token, "from");
        if (has_body(parser)) {
            bool opens = migrate_token_is(parser->text, token, "begin") ||
                         (parser->blocks > 0 && migrate_token_is(parser->text, token, "case"));
            bool closes = parser->blocks > 0 && migrate_token_is(parser->text, token, "end");
            parser->blocks = parser->blocks + (opens ? 1 : 0) - (closes ? 1 : 0);
        }
    }
}

/* --- what a statement is, by its first words --- */

/* The rest of BEGIN, START TRANSACTION, COMMIT or END from a word on: nothing, or a word without meaning. */
static bool is_plain(const struct parser *parser, size_t from)
{
    size_t noise = word_is(parser, from, "work") || word_is(parser, from, "transaction") ? 1 : 0;
    return parser->count == from + noise;
}

static enum migrate_statement_kind transaction_kind(const struct parser *parser)
{
    if (word_is(parser, 0, "begin")) {
        return is_plain(parser, 1) ? MIGRATE_STATEMENT_BEGIN : MIGRATE_STATEMENT_OTHER;
    }
    if (word_is(parser, 0, "start") && word_is(parser, 1, "transaction")) {
        return parser->count == 2 ? MIGRATE_STATEMENT_BEGIN : MIGRATE_STATEMENT_OTHER;
    }
    bool prepared = word_is(parser, 1, "prepared"); /* COMMIT PREPARED, ROLLBACK PREPARED: of another transaction */
    if (word_is(parser, 0, "commit") || word_is(parser, 0, "end")) {
        return prepared              ? MIGRATE_STATEMENT_ALONE
               : is_plain(parser, 1) ? MIGRATE_STATEMENT_COMMIT
                                     : MIGRATE_STATEMENT_ENDS;
    }
    if (word_is(parser, 0, "abort") || (word_is(parser, 0, "prepare") && word_is(parser, 1, "transaction"))) {
        return MIGRATE_STATEMENT_ENDS;
    }
    if (word_is(parser, 0, "rollback")) {
        /* ROLLBACK [WORK | TRANSACTION] TO a savepoint stays inside. */
        size_t next = word_is(parser, 1, "work") || word_is(parser, 1, "transaction") ? 2 : 1;
        return prepared                      ? MIGRATE_STATEMENT_ALONE
               : word_is(parser, next, "to") ? MIGRATE_STATEMENT_OTHER
                                             : MIGRATE_STATEMENT_ENDS;
    }
    return MIGRATE_STATEMENT_OTHER;
}

static bool has_word(const struct parser *parser, size_t from, const char *word)
{
    for (size_t i = from; i < parser->count && i < WORDS_MAX; i++) {
        if (word_is(parser, i, word)) {
            return true;
        }
    }
    return false;
}

/* CREATE [UNIQUE] INDEX CONCURRENTLY [[IF NOT EXISTS] name] ON …, REINDEX … CONCURRENTLY. */
static bool is_concurrent_index(const struct parser *parser, size_t *name)
{
    *name = 0;
    if (word_is(parser, 0, "reindex")) {
        return has_word(parser, 1, "concurrently");
    }
    size_t at = word_is(parser, 1, "unique") ? 2 : 1;
    if (!word_is(parser, 0, "create") || !word_is(parser, at, "index") || !word_is(parser, at + 1, "concurrently")) {
        return false;
    }
    at += word_is(parser, at + 2, "if") ? 5 : 2;
    *name = at < WORDS_MAX && at < parser->count && !word_is(parser, at, "on") ? at : 0;
    return true;
}

/* The index of the word behind a command's first one and its options in parentheses. */
static size_t behind_options(const struct parser *parser)
{
    size_t at = 1;
    if (word_is(parser, 1, "(")) {
        while (at < parser->count && at < WORDS_MAX && !word_is(parser, at, ")")) {
            at++;
        }
        at += 1;
    }
    return at;
}

/* PostgreSQL's manual says of each: "cannot be executed inside a transaction block". */
static bool is_alone(const struct parser *parser)
{
    static const char *const pairs[][2] = {
        {"create", "database"},     {"drop", "database"},     {"create", "tablespace"},  {"drop", "tablespace"},
        {"create", "subscription"}, {"drop", "subscription"}, {"alter", "subscription"}, {"alter", "system"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (word_is(parser, 0, pairs[i][0]) && word_is(parser, 1, pairs[i][1])) {
            return true;
        }
    }
    if (word_is(parser, 0, "vacuum")) {
        return true;
    }
    size_t behind = behind_options(parser);
    if (word_is(parser, 0, "reindex")) {
        return word_is(parser, behind, "database") || word_is(parser, behind, "schema") ||
               word_is(parser, behind, "system");
    }
    if (word_is(parser, 0, "cluster")) {
        return parser->count == behind || (parser->count == 2 && word_is(parser, 1, "verbose"));
    }
    if (word_is(parser, 0, "alter") && word_is(parser, 1, "database")) {
        return has_word(parser, 3, "tablespace");
    }
    if (word_is(parser, 0, "drop") && word_is(parser, 1, "index")) {
        return word_is(parser, 2, "concurrently");
    }
    return word_is(parser, 0, "alter") && word_is(parser, 1, "table") && has_word(parser, 3, "detach") &&
           has_word(parser, 5, "concurrently");
}

static void classify(const struct parser *parser, struct migrate_statement *statement)
{
    size_t name;
    statement->word = parser->words[0].start;
    statement->word_end = statement->word + parser->words[0].length;
    statement->kind = transaction_kind(parser);
    if (statement->kind != MIGRATE_STATEMENT_OTHER) {
        return;
    }
    if (parser->count == 4 && word_is(parser, 0, "set") && word_is(parser, 1, "transaction_timeout") &&
        word_is(parser, 2, "=") && word_is(parser, 3, "0")) {
        statement->kind = MIGRATE_STATEMENT_TIMEOUT;
    } else if (is_concurrent_index(parser, &name)) {
        statement->kind = MIGRATE_STATEMENT_INDEX;
        if (name > 0) {
            statement->name = parser->words[name].start;
            statement->name_end = statement->name + parser->words[name].length;
        }
    } else if (is_alone(parser)) {
        statement->kind = MIGRATE_STATEMENT_ALONE;
    }
}

/* --- reading --- */

/* The lines behind a COPY … FROM stdin, up to one that is `\.`, or to the end. Moves the lexer behind them. */
static int take_data(struct parser *parser, struct migrate_statement *statement, size_t *offset, struct err *err)
{
    const char *text = parser->text;
    size_t at = parser->lexer.at;
    size_t length = parser->lexer.length;
    const char *newline = memchr(text + at, '\n', length - at);
    size_t line = newline == NULL ? length : (size_t) (newline - text) + 1;
    struct migrate_lexer rest = {.text = text, .length = line, .at = at};
    struct migrate_token token;
    if (migrate_lexer_next(&rest, &token)) {
        *offset = token.start;
        return err_set(err, ERR_MIGRATION, "nothing may stand behind COPY … FROM stdin; in its line");
    }
    statement->has_data = true;
    statement->data_start = line;
    while (line < length) {
        newline = memchr(text + line, '\n', length - line);
        size_t end = newline == NULL ? length : (size_t) (newline - text);
        size_t next = newline == NULL ? length : end + 1;
        size_t bytes = end - line - (end > line && text[end - 1] == '\r' ? 1 : 0);
        if (bytes == 2 && memcmp(text + line, "\\.", 2) == 0) {
            statement->data_end = line;
            parser->lexer.at = next;
            return 0;
        }
        line = next;
    }
    statement->data_end = length;
    parser->lexer.at = length;
    return 0;
}

static void begin_statement(struct parser *parser)
{
    parser->count = 0;
    parser->parentheses = 0;
    parser->blocks = 0;
    parser->from = false;
    parser->from_stdin = false;
}

static int end_statement(struct parser *parser, size_t end, size_t *offset, struct err *err)
{
    if (parser->count == 0) {
        return 0;
    }
    if (parser->script.count == parser->capacity) {
        size_t capacity = parser->capacity == 0 ? 16 : 2 * parser->capacity;
        struct migrate_statement *items = realloc(parser->script.items, capacity * sizeof(*items));
        if (items == NULL) {
            return err_set(err, ERR_INTERNAL, "no memory for the statements of a migration");
        }
        parser->script.items = items;
        parser->capacity = capacity;
    }
    struct migrate_statement statement = {.start = parser->words[0].start, .end = end};
    classify(parser, &statement);
    int failure = 0;
    if (word_is(parser, 0, "copy") && parser->from_stdin) {
        failure = take_data(parser, &statement, offset, err);
    }
    if (failure == 0) {
        parser->script.items[parser->script.count++] = statement;
        begin_statement(parser);
    }
    return failure;
}

/* A backslash outside of quotes is for psql. What pg_dump writes around its output means nothing here. */
static int take_command(struct parser *parser, size_t at, size_t *offset, struct err *err)
{
    static const char *const skipped[] = {"\\restrict", "\\unrestrict"};
    const char *text = parser->text;
    size_t length = parser->lexer.length - at;
    const char *newline = memchr(text + at, '\n', length);
    size_t line = newline == NULL ? length : (size_t) (newline - text) - at;
    size_t word = 1;
    while (word < line && text[at + word] >= 'a' && text[at + word] <= 'z') {
        word++;
    }
    for (size_t i = 0; i < sizeof(skipped) / sizeof(skipped[0]); i++) {
        if (word == strlen(skipped[i]) && memcmp(text + at, skipped[i], word) == 0) {
            parser->lexer.at = at + line;
            return 0;
        }
    }
    word += word == 1 && line > 1 && text[at + 1] > ' ' ? 1 : 0; /* as in \. and \! */
    *offset = at;
    (void) err_set(err, ERR_MIGRATION, "%.*s is a command of psql, not SQL", (int) word, text + at);
    err_hint(err, "write it in SQL, or take it out");
    return -(int) ERR_MIGRATION;
}

static int parse(struct parser *parser, size_t *offset, struct err *err)
{
    struct migrate_token token;
    int failure = 0;
    size_t end = parser->lexer.at;
    begin_statement(parser);
    while (failure == 0 && migrate_lexer_next(&parser->lexer, &token)) {
        char first = parser->text[token.start];
        if (first == ';' && parser->parentheses == 0 && parser->blocks == 0) {
            failure = end_statement(parser, token.start, offset, err);
        } else if (first == '\\') {
            failure = take_command(parser, token.start, offset, err);
        } else {
            note_token(parser, &token);
            end = token.start + token.length;
        }
    }
    if (failure == 0 && parser->lexer.is_open) {
        *offset = parser->lexer.open;
        (void) err_set(err, ERR_MIGRATION, "the comment that begins here has no end");
        err_hint(err, "it hides all that is behind it; comments nest, so that each /* needs its own */");
        return -(int) ERR_MIGRATION;
    }
    return failure != 0 ? failure : end_statement(parser, end, offset, err);
}

/* Behind the blanks at the start of a text that no NUL ends. */
static const char *skip_any(const char *text, const char *end, const char *blanks)
{
    while (text < end && *text != '\0' && strchr(blanks, *text) != NULL) {
        text++;
    }
    return text;
}

/* Whether a line is `-- +goose StatementEnd`. */
static bool is_mark(const char *line, size_t length)
{
    static const char *const words[] = {"--", "+goose", "StatementEnd"};
    const char *end = line + length;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t word = strlen(words[i]);
        line = skip_any(line, end, " \t");
        if ((size_t) (end - line) < word || strncasecmp(line, words[i], word) != 0) {
            return false;
        }
        line += word;
    }
    return skip_any(line, end, " \t\r\n") == end;
}

/* goose ends a statement at this mark, whether or not there is a `;`. Finds the first line with it; `*next` is behind
 * that line. Without one both are the end. */
static size_t find_mark(const char *text, size_t at, size_t end, size_t *next)
{
    const char *found = text + at;
    while ((found = memmem(found, (size_t) (text + end - found), "+goose", strlen("+goose"))) != NULL) {
        const char *before = memrchr(text + at, '\n', (size_t) (found - text) - at);
        const char *line = before == NULL ? text + at : before + 1;
        const char *newline = memchr(found, '\n', (size_t) (text + end - found));
        const char *line_end = newline == NULL ? text + end : newline + 1;
        if (is_mark(line, (size_t) (line_end - line))) {
            *next = (size_t) (line_end - text);
            return (size_t) (line - text);
        }
        found = line_end;
    }
    *next = end;
    return end;
}

int migrate_script_parse(struct migrate_script *out, const char *text, size_t start, size_t end, size_t *offset,
                         struct err *err)
{
    struct parser parser = {.text = text, .lexer = {.text = text}};
    int failure = 0;
    size_t next = start;
    do {
        parser.lexer.at = next;
        parser.lexer.length = find_mark(text, next, end, &next);
        failure = parse(&parser, offset, err);
    } while (failure == 0 && next < end);
    if (failure != 0) {
        migrate_script_done(&parser.script);
        return failure;
    }
    *out = parser.script;
    return 0;
}

void migrate_script_done(struct migrate_script *script)
{
    free(script->items);
    *script = (struct migrate_script){.items = NULL, .count = 0};
}

/* Whether all of it stands between plain BEGINs and COMMITs. */
static bool is_wrapped(const struct migrate_script *script)
{
    bool inside = false;
    for (size_t i = 0; i < script->count; i++) {
        enum migrate_statement_kind kind = script->items[i].kind;
        bool begins = kind == MIGRATE_STATEMENT_BEGIN;
        if (begins == inside || kind == MIGRATE_STATEMENT_ENDS) {
            return false;
        }
        inside = kind != MIGRATE_STATEMENT_COMMIT;
    }
    return !inside;
}

void migrate_script_unwrap(struct migrate_script *script)
{
    size_t kept = 0;
    bool wrapped = is_wrapped(script);
    for (size_t i = 0; i < script->count && wrapped; i++) {
        enum migrate_statement_kind kind = script->items[i].kind;
        if (kind != MIGRATE_STATEMENT_BEGIN && kind != MIGRATE_STATEMENT_COMMIT) {
            script->items[kept++] = script->items[i];
        }
    }
    script->count = wrapped ? kept : script->count;
}

const struct migrate_statement *migrate_script_alone(const struct migrate_script *script)
{
    for (size_t i = 0; i < script->count; i++) {
        enum migrate_statement_kind kind = script->items[i].kind;
        if (kind == MIGRATE_STATEMENT_INDEX || kind == MIGRATE_STATEMENT_ALONE) {
            return &script->items[i];
        }
    }
    return NULL;
}

const struct migrate_statement *migrate_script_end(const struct migrate_script *script)
{
    for (size_t i = 0; i < script->count; i++) {
        enum migrate_statement_kind kind = script->items[i].kind;
        if (kind == MIGRATE_STATEMENT_COMMIT || kind == MIGRATE_STATEMENT_ENDS) {
            return &script->items[i];
        }
    }
    return NULL;
}
