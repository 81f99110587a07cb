/* Fuzzes the texts of migrations: sections, statements, data and places lie inside the text, in order, and do not
 * overlap; what is one statement stays one when it is read alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/lexer.h"
#include "migrate/locate.h"
#include "migrate/script.h"
#include "migrate/sections.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_tokens(const char *text, size_t size)
{
    struct migrate_lexer lexer = {.text = text, .length = size, .at = 0};
    struct migrate_token token;
    size_t end = 0;
    while (migrate_lexer_next(&lexer, &token)) {
        require(token.length > 0 && token.start >= end && token.start + token.length <= size);
        require(strchr(" \t\r\n", text[token.start]) == NULL);
        end = token.start + token.length;
    }
    require(!lexer.is_open || (lexer.open >= end && lexer.open + 2 <= size));
}

static void check_place(const char *text, size_t size, size_t offset)
{
    struct migrate_place place;
    migrate_locate(&place, text, size, offset);
    require(place.line > 0 && place.line <= size + 1 && place.column > 0 && place.column <= size + 1);
    require(strlen(place.source) < sizeof(place.source) && place.caret < MIGRATE_SOURCE_CHARACTERS_MAX);
    require(place.caret < place.column);
    require(migrate_line_behind(text, size, offset, place.line) <= size);
    require(migrate_offset(text, size, offset, place.column) <= size);
}

/* A statement's own text must be one statement of the same kind again; what it is told by must not lie outside. */
static void check_alone(const char *text, const struct migrate_statement *statement)
{
    struct migrate_script script = {.items = NULL};
    struct err err;
    size_t offset = 0;
    require(migrate_script_parse(&script, text, statement->start, statement->end, &offset, &err) == 0);
    require(script.count == 1);
    require(script.items[0].kind == statement->kind && script.items[0].has_data == statement->has_data);
    require(script.items[0].start == statement->start);
    migrate_script_done(&script);
}

static void check_statement(const char *text, const struct migrate_statement *statement, size_t start, size_t end)
{
    require(statement->start >= start && statement->start < statement->end && statement->end <= end);
    require(statement->kind < MIGRATE_STATEMENT_KIND_COUNT);
    require(statement->word >= statement->start && statement->word < statement->word_end);
    require(statement->word_end <= statement->end);
    if (statement->name_end > 0) {
        require(statement->kind == MIGRATE_STATEMENT_INDEX);
        require(statement->name > statement->start && statement->name < statement->name_end);
        require(statement->name_end <= statement->end);
    }
    if (statement->has_data) {
        require(statement->data_start >= statement->end && statement->data_start <= statement->data_end);
        require(statement->data_end <= end);
        require(statement->data_start == end || text[statement->data_start - 1] == '\n');
    }
    check_alone(text, statement);
}

static void check_script(const char *text, size_t size, size_t start, size_t end)
{
    struct migrate_script script = {.items = NULL};
    struct err err;
    size_t offset = size + 1;
    if (migrate_script_parse(&script, text, start, end, &offset, &err) != 0) {
        require(offset >= start && offset < end);
        check_place(text, size, offset);
        return;
    }
    size_t behind = start;
    for (size_t i = 0; i < script.count; i++) {
        const struct migrate_statement *statement = &script.items[i];
        check_statement(text, statement, behind, end);
        behind = statement->has_data ? statement->data_end : statement->end;
        check_place(text, size, statement->start);
    }
    size_t before = script.count;
    migrate_script_unwrap(&script);
    require(script.count == before || script.count + 2 == before);
    (void) migrate_script_alone(&script);
    (void) migrate_script_end(&script);
    migrate_script_done(&script);
}

static void check_part(const char *text, size_t size, const struct migrate_part *part)
{
    if (part->exists) {
        require(part->start <= part->end && part->end <= size);
        require(part->start == 0 || part->start == size || text[part->start - 1] == '\n');
        check_script(text, size, part->start, part->end);
    }
}

static void check_sections(const char *text, size_t size)
{
    struct migrate_sections sections;
    struct err err;
    size_t offset = size + 1;
    if (migrate_sections_find(&sections, text, size, &offset, &err) != 0) {
        require(offset <= size);
        check_place(text, size, offset);
        return;
    }
    require(sections.up.exists);
    check_part(text, size, &sections.up);
    check_part(text, size, &sections.down);
    require(!sections.down.exists || sections.up.end <= sections.down.start || sections.down.end <= sections.up.start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Not terminated, so that reading behind the end is noticed. */
    char *text = malloc(size == 0 ? 1 : size);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    check_tokens(text, size);
    check_script(text, size, 0, size);
    check_script(text, size, size / 3, size - size / 3);
    check_sections(text, size);
    for (size_t offset = 0; offset <= size + 2; offset += 1 + size / 16) {
        check_place(text, size, offset <= size ? offset : size);
    }
    free(text);
    return 0;
}
