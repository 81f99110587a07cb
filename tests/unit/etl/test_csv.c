/* The CSV reader on small inputs, each fed whole and in pieces of every size.
 * Not here: files and columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "etl/csv.h"

static const char *const fault_names[CSV_FAULT_COUNT] = {[CSV_FAULT_NONE] = "",
                                                         [CSV_FAULT_TOO_LONG] = "(too long)",
                                                         [CSV_FAULT_TOO_MANY_FIELDS] = "(too many fields)",
                                                         [CSV_FAULT_QUOTE_MISPLACED] = "(quote misplaced)"};

/* Reads all of `text` in pieces of `step` bytes and writes what came out: "line:[field][field]" a record. */
static enum csv_status read_all(struct buffer *out, const char *text, size_t length, size_t step, char delimiter)
{
    struct csv csv;
    assert_int_equal(csv_init(&csv, delimiter), 0);
    struct csv_record record;
    enum csv_status status = CSV_MORE;
    size_t fed = 0;
    for (;;) {
        status = csv_next(&csv, &record);
        if (status == CSV_MORE && fed == length) {
            csv_end(&csv);
        } else if (status == CSV_MORE) {
            size_t piece = length - fed < step ? length - fed : step;
            csv_feed(&csv, text + fed, piece);
            fed += piece;
        } else if (status == CSV_RECORD) {
            buffer_append_format(out, "%llu:", (unsigned long long) record.line);
            if (record.fault != CSV_FAULT_NONE) {
                buffer_append_text(out, fault_names[record.fault]);
            }
            for (size_t i = 0; i < record.field_count; i++) {
                buffer_append_char(out, '[');
                buffer_append(out, record.fields[i].text, record.fields[i].length);
                buffer_append_char(out, ']');
            }
            buffer_append_char(out, ' ');
        } else {
            break;
        }
    }
    if (status == CSV_UNTERMINATED) {
        buffer_append_format(out, "unterminated since %llu", (unsigned long long) csv_quote_line(&csv));
    }
    csv_done(&csv);
    return status;
}

static const struct {
    const char *text;
    const char *wanted;
} cases[] = {
    {"", ""},
    {"a", "1:[a] "},
    {"a,b\nc,d\n", "1:[a][b] 2:[c][d] "},
    {"a,b\r\nc,d\r\n", "1:[a][b] 2:[c][d] "},
    {"a,b\rc,d\r", "1:[a][b] 2:[c][d] "},
    {"a,b\nc,d", "1:[a][b] 2:[c][d] "},
    {"a,b\n\rc,d", "1:[a][b] 3:[c][d] "},
    {"a,b,\nc,d,\n", "1:[a][b][] 2:[c][d][] "},
    {",\n", "1:[][] "},
    {",", "1:[][] "},
    {"a,", "1:[a][] "},
    {"\n\na\n\n\nb\n\n", "3:[a] 6:[b] "},
    {"\r\n\r\na\r\n\r\nb", "3:[a] 5:[b] "},
    {"\r\ra\r\rb", "3:[a] 5:[b] "},
    {" \n", "1:[ ] "},
    {"\"\"\n", "1:[] "},
    {"\"\"", "1:[] "},
    {"\"a,b\",c\n", "1:[a,b][c] "},
    {"\"a\nb\",c\nd\n", "1:[a\nb][c] 3:[d] "},
    {"\"a\r\nb\",c\r\nd\r\n", "1:[a\r\nb][c] 3:[d] "},
    {"\"a\rb\",c\rd\r", "1:[a\rb][c] 3:[d] "},
    {"\"a\r\n\r\n\n\r\",c\nd\n", "1:[a\r\n\r\n\n\r][c] 6:[d] "},
    {"\"\r\"\n\"\n\"\nx", "1:[\r] 3:[\n] 5:[x] "},
    {"\"a\"\"b\"\n", "1:[a\"b] "},
    {"\"\"\"\"\n", "1:[\"] "},
    {"\"\"\"a\"\"\"\n", "1:[\"a\"] "},
    {"\"\",\"\"\n", "1:[][] "},
    {"a\"b,c\n", "1:[a\"b][c] "},
    {"a\"\"b\n", "1:[a\"\"b] "},
    {"\"a\"b,c\nd", "1:(quote misplaced) 2:[d] "},
    {"\"a\"b\"c,d\n", "1:(quote misplaced) "},
    {"\"a\"b,\"c\nd\"\ne", "1:(quote misplaced) 3:[e] "},
    {"a,\"b\" \"c\"\n", "1:(quote misplaced) "},
    {"\"a\" ,c\n", "1:(quote misplaced) "},
    {" \"a\",c\n", "1:[ \"a\"][c] "},
    {"é,\"ÿ\"\n", "1:[é][ÿ] "},
    {"\"", "unterminated since 1"},
    {"a\nb,\"c\nd\ne", "1:[a] unterminated since 2"},
    {"a\n\"b\nc\",\"d\n", "1:[a] unterminated since 3"},
    {"\"a\"\"", "unterminated since 1"},
};

/* Goal: every way of writing records, and that the pieces in which bytes arrive make no difference. */
static void test_table(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = strlen(cases[i].text);
        for (size_t step = 1; step <= length + 1; step++) {
            BUFFER_AUTO out = BUFFER_EMPTY;
            (void) read_all(&out, cases[i].text, length, step, ',');
            if (strcmp(buffer_text(&out), cases[i].wanted) != 0) {
                fail_msg("case %zu in pieces of %zu: %s", i, step, buffer_text(&out));
            }
        }
    }
}

/* Goal: the delimiter is the one that was told, and the others are text. */
static void test_delimiters(void **state)
{
    (void) state;
    static const char delimiters[] = {',', ';', '\t', '|'};
    for (size_t i = 0; i < sizeof(delimiters); i++) {
        BUFFER_AUTO text = BUFFER_EMPTY;
        buffer_append_format(&text, "a%c\"b%c\"", delimiters[i], delimiters[i]);
        BUFFER_AUTO wanted = BUFFER_EMPTY;
        buffer_append_format(&wanted, "1:[a][b%c] ", delimiters[i]);
        BUFFER_AUTO out = BUFFER_EMPTY;
        assert_int_equal(read_all(&out, text.data, text.length, 2, delimiters[i]), CSV_END);
        assert_string_equal(out.data, wanted.data);
    }
    BUFFER_AUTO out = BUFFER_EMPTY;
    (void) read_all(&out, "a,b|c\td", 7, 7, ';');
    assert_string_equal(out.data, "1:[a,b|c\td] ");
}

/* Goal: NUL and bytes that are not UTF-8 are handed on as they are; the row decides. */
static void test_bytes(void **state)
{
    (void) state;
    static const char text[] = "a\0b,\xFF\xFE\n";
    struct csv csv;
    struct csv_record record;
    assert_int_equal(csv_init(&csv, ','), 0);
    csv_feed(&csv, text, sizeof(text) - 1);
    assert_int_equal(csv_next(&csv, &record), CSV_RECORD);
    assert_int_equal(record.field_count, 2);
    assert_int_equal(record.fields[0].length, 3);
    assert_memory_equal(record.fields[0].text, "a\0b", 3);
    assert_memory_equal(record.fields[1].text, "\xFF\xFE", 2);
    assert_memory_equal(record.raw, "a\0b,\xFF\xFE", 6);
    csv_done(&csv);
}

/* Goal: a record of exactly the limit is read, one byte more is a fault of that record alone, and memory stays bounded
 * however long it goes on, quoted or not. */
static void test_too_long(void **state)
{
    (void) state;
    static const struct {
        size_t length;
        const char *quote;
    } longs[] = {
        {CSV_RECORD_BYTES_MAX + 1, ""},
        {CSV_RECORD_BYTES_MAX - 1, "\""},
        {CSV_RECORD_BYTES_MAX * 8, "\""},
    };
    for (size_t i = 0; i < sizeof(longs) / sizeof(longs[0]); i++) {
        BUFFER_AUTO text = BUFFER_EMPTY;
        buffer_append_text(&text, longs[i].quote);
        memset(buffer_reserve(&text, longs[i].length), 'x', longs[i].length);
        buffer_commit(&text, longs[i].length);
        buffer_append_format(&text, "%s\nb\n", longs[i].quote);
        struct csv csv;
        struct csv_record record;
        assert_int_equal(csv_init(&csv, ','), 0);
        csv_feed(&csv, text.data, text.length);
        assert_int_equal(csv_next(&csv, &record), CSV_RECORD);
        assert_int_equal(record.fault, CSV_FAULT_TOO_LONG);
        assert_int_equal(record.field_count, 0);
        assert_int_equal(record.raw_length, CSV_RAW_BYTES_MAX);
        assert_int_equal(record.last_line, 1);
        assert_true(csv.text.capacity <= 2 * CSV_RECORD_BYTES_MAX + 64);
        assert_int_equal(csv_next(&csv, &record), CSV_RECORD);
        assert_int_equal(record.fault, CSV_FAULT_NONE);
        assert_int_equal(record.line, 2);
        assert_memory_equal(record.fields[0].text, "b", 1);
        csv_done(&csv);
    }
    BUFFER_AUTO text = BUFFER_EMPTY;
    memset(buffer_reserve(&text, CSV_RECORD_BYTES_MAX), 'x', CSV_RECORD_BYTES_MAX);
    buffer_commit(&text, CSV_RECORD_BYTES_MAX);
    BUFFER_AUTO out = BUFFER_EMPTY;
    assert_int_equal(read_all(&out, text.data, text.length, 65536, ','), CSV_END);
    assert_int_equal(out.length, CSV_RECORD_BYTES_MAX + strlen("1:[] "));
}

/* Goal: a quote that never closes is told even when the text behind it is over the limit. */
static void test_unterminated_long(void **state)
{
    (void) state;
    BUFFER_AUTO text = BUFFER_EMPTY;
    buffer_append_text(&text, "a\nb,\"");
    for (size_t i = 0; i < CSV_RECORD_BYTES_MAX / 4; i++) {
        buffer_append_text(&text, "line\n");
    }
    BUFFER_AUTO out = BUFFER_EMPTY;
    assert_int_equal(read_all(&out, text.data, text.length, 65536, ','), CSV_UNTERMINATED);
    assert_string_equal(out.data, "1:[a] unterminated since 2");
}

/* Goal: more fields than the limit are a fault of that record alone. */
static void test_too_many_fields(void **state)
{
    (void) state;
    BUFFER_AUTO text = BUFFER_EMPTY;
    for (size_t i = 0; i < CSV_FIELDS_MAX; i++) {
        buffer_append_char(&text, ',');
    }
    buffer_append_text(&text, "\nb\n");
    BUFFER_AUTO out = BUFFER_EMPTY;
    assert_int_equal(read_all(&out, text.data, text.length, 100, ','), CSV_END);
    assert_string_equal(out.data, "1:(too many fields) 2:[b] ");
    BUFFER_AUTO fits = BUFFER_EMPTY;
    assert_int_equal(read_all(&fits, text.data + 1, text.length - 1, 100, ','), CSV_END);
    assert_null(strstr(fits.data, "too many"));
}

/* Goal: a blank line is a record once that is asked for, with the lines still counted truly. */
static void test_blank_records(void **state)
{
    (void) state;
    static const char text[] = "\n\r\na\r\n\r\n\nb\r\r";
    static const uint64_t lines[] = {3, 4, 5, 6, 7};
    for (size_t step = 1; step < sizeof(text); step++) {
        struct csv csv;
        struct csv_record record;
        size_t fed = 0;
        size_t count = 0;
        assert_int_equal(csv_init(&csv, ','), 0);
        enum csv_status status = CSV_MORE;
        while (status != CSV_END) {
            status = csv_next(&csv, &record);
            if (status == CSV_RECORD) {
                csv.blank_records = true;
                assert_int_equal(record.line, lines[count]);
                assert_int_equal(record.last_line, lines[count]);
                assert_int_equal(record.field_count, 1);
                assert_int_equal(record.fields[0].length, count == 0 || count == 3 ? 1 : 0);
                count += 1;
            } else if (status == CSV_MORE && fed < sizeof(text) - 1) {
                size_t piece = sizeof(text) - 1 - fed < step ? sizeof(text) - 1 - fed : step;
                csv_feed(&csv, text + fed, piece);
                fed += piece;
            } else if (status == CSV_MORE) {
                csv_end(&csv);
            }
        }
        assert_int_equal(count, sizeof(lines) / sizeof(lines[0]));
        csv_done(&csv);
    }
}

/* Goal: a record tells the lines that it takes up; of one with a quote in the wrong place all of them. */
static void test_last_line(void **state)
{
    (void) state;
    static const char text[] = "a\n\"b\r\nc\",d\n\"e\n\nf\"g\nh";
    static const uint64_t lines[][2] = {{1, 1}, {2, 3}, {4, 6}, {7, 7}};
    struct csv csv;
    struct csv_record record;
    assert_int_equal(csv_init(&csv, ','), 0);
    csv_feed(&csv, text, sizeof(text) - 1);
    csv_end(&csv);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(csv_next(&csv, &record), CSV_RECORD);
        assert_int_equal(record.line, lines[i][0]);
        assert_int_equal(record.last_line, lines[i][1]);
        assert_int_equal(record.fault, i == 2 ? CSV_FAULT_QUOTE_MISPLACED : CSV_FAULT_NONE);
    }
    assert_int_equal(csv_next(&csv, &record), CSV_END);
    csv_done(&csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_delimiters),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_unterminated_long),
        cmocka_unit_test(test_too_many_fields),
        cmocka_unit_test(test_blank_records),
        cmocka_unit_test(test_last_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
