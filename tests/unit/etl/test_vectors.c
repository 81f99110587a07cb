/* Every file of the integration tests' vectors, fed in pieces of every size, with every delimiter: the records, their
 * lines and their raw text are the same. Not here: which records they should be (tests/integration). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/base/file.h"
#include "etl/csv.h"

#define PIECE_BYTES_MAX 300 /* longer pieces are tried at steps */
#define PIECE_STEP      997

static void write_record(struct buffer *out, const struct csv_record *record)
{
    buffer_append_format(out, "%llu-%llu fault %d", (unsigned long long) record->line,
                         (unsigned long long) record->last_line, (int) record->fault);
    for (size_t i = 0; i < record->field_count; i++) {
        buffer_append_format(out, "[%zu:", record->fields[i].length);
        buffer_append(out, record->fields[i].text, record->fields[i].length);
        buffer_append_char(out, ']');
    }
    buffer_append_char(out, '{');
    buffer_append(out, record->raw, record->raw_length);
    buffer_append_text(out, "}\n");
}

/* Each piece is fed from memory of its own, so that a record that points into an older one is found by the sanitizer.
 */
static void read_all(struct buffer *out, const struct buffer *text, size_t step, char delimiter, bool blank_records)
{
    struct csv csv;
    struct csv_record record;
    char *piece = malloc(step);
    size_t fed = 0;
    enum csv_status status = CSV_MORE;
    assert_non_null(piece);
    assert_int_equal(csv_init(&csv, delimiter), 0);
    csv.blank_records = blank_records;
    while (status == CSV_MORE || status == CSV_RECORD) {
        status = csv_next(&csv, &record);
        if (status == CSV_RECORD) {
            write_record(out, &record);
        } else if (status == CSV_MORE && fed == text->length) {
            csv_end(&csv);
        } else if (status == CSV_MORE) {
            size_t length = text->length - fed < step ? text->length - fed : step;
            free(piece);
            piece = malloc(length);
            assert_non_null(piece);
            memcpy(piece, text->data + fed, length);
            csv_feed(&csv, piece, length);
            fed += length;
        }
    }
    if (status == CSV_UNTERMINATED) {
        buffer_append_format(out, "unterminated %llu %llu", (unsigned long long) csv_record_line(&csv),
                             (unsigned long long) csv_quote_line(&csv));
    }
    csv_done(&csv);
    free(piece);
}

static void check_file(const char *name, const struct buffer *text, char delimiter, bool blank_records)
{
    BUFFER_AUTO whole = BUFFER_EMPTY;
    BUFFER_AUTO pieces = BUFFER_EMPTY;
    read_all(&whole, text, text->length + 1, delimiter, blank_records);
    for (size_t step = 1; step <= text->length; step += step < PIECE_BYTES_MAX ? 1 : PIECE_STEP) {
        buffer_clear(&pieces);
        read_all(&pieces, text, step, delimiter, blank_records);
        if (pieces.length != whole.length || memcmp(buffer_text(&pieces), buffer_text(&whole), whole.length) != 0) {
            fail_msg("%s in pieces of %zu: %s\nand whole: %s", name, step, buffer_text(&pieces), buffer_text(&whole));
        }
    }
}

/* Goal: where bytes are cut makes no difference. */
static void test_pieces(void **state)
{
    (void) state;
    static const char delimiters[] = {',', ';', '\t', '|'};
    static const char folder[] = TEST_SOURCE_DIR "/tests/integration/csv";
    struct file_list files = {.names = NULL, .count = 0};
    size_t count = 0;
    assert_int_equal(file_list(&files, folder, NULL), 0);
    for (size_t file = 0; file < files.count; file++) {
        const char *name = files.names[file];
        size_t length = strlen(name);
        if (length < 4 || strcmp(name + length - 4, ".csv") != 0) {
            continue;
        }
        BUFFER_AUTO path = BUFFER_EMPTY;
        BUFFER_AUTO text = BUFFER_EMPTY;
        buffer_append_format(&path, "%s/%s", folder, name);
        assert_int_equal(file_read(&text, path.data, (size_t) 1 << 20, NULL), 0);
        for (size_t i = 0; i < sizeof(delimiters); i++) {
            check_file(name, &text, delimiters[i], false);
            check_file(name, &text, delimiters[i], true);
        }
        count += 1;
    }
    file_list_done(&files);
    assert_true(count >= 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
