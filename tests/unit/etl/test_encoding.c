/* Windows-1252 byte by byte, and what first bytes say of a file.
 * Not here: files (test_source.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "digitalism/base/buffer.h"
#include "etl/encoding.h"

/* Goal: each byte alone is the character that it stands for; the five without a meaning are not text. */
static void test_each_byte(void **state)
{
    (void) state;
    static const char undefined[] = {'\x81', '\x8D', '\x8F', '\x90', '\x9D'};
    for (int byte = 0; byte < 256; byte++) {
        char in = (char) byte;
        char out[ENCODING_GROWTH_MAX];
        size_t length = encoding_from_cp1252(out, &in, 1);
        bool has_meaning = memchr(undefined, in, sizeof(undefined)) == NULL;
        assert_int_equal(utf8_is_text(out, length), has_meaning && byte != 0);
        if (byte < 0x80 || !has_meaning) {
            assert_int_equal(length, 1);
            assert_int_equal(out[0], in);
        } else if (byte >= 0xA0) {
            assert_int_equal(length, 2);
            assert_int_equal(((out[0] & 0x1F) << 6) | (out[1] & 0x3F), byte);
        }
    }
}

/* Goal: the characters of the range where the set has its own, and the positions at which whole words are looked at. */
static void test_texts(void **state)
{
    (void) state;
    static const char text[] = "\x80 C\x9Cuvres, L\x92Ha\xFF-les-Roses \x93\x8C\x94 \x9F\x85 12345678\xE9";
    static const char wanted[] = "€ Cœuvres, L’Haÿ-les-Roses “Œ” Ÿ… 12345678é";
    for (size_t shift = 0; shift < 9; shift++) {
        char in[sizeof(text) + 9];
        char out[sizeof(in) * ENCODING_GROWTH_MAX];
        memset(in, 'x', shift);
        memcpy(in + shift, text, sizeof(text) - 1);
        size_t length = encoding_from_cp1252(out, in, shift + sizeof(text) - 1);
        assert_int_equal(length, shift + sizeof(wanted) - 1);
        assert_memory_equal(out + shift, wanted, sizeof(wanted) - 1);
    }
}

/* Goal: marks and patterns of NULs tell wide characters; a NUL among text tells nothing. */
static void test_marks(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        size_t length;
        enum encoding_mark wanted;
    } cases[] = {
        {"", 0, ENCODING_MARK_NONE},
        {"\xEF\xBB", 2, ENCODING_MARK_NONE},
        {"\xEF\xBB\xBF", 3, ENCODING_MARK_UTF8},
        {"\xFF\xFE", 2, ENCODING_MARK_UTF16},
        {"\xFE\xFF", 2, ENCODING_MARK_UTF16},
        {"\xFF\xFE\0", 3, ENCODING_MARK_UTF16},
        {"\xFF\xFE\0\0", 4, ENCODING_MARK_UTF32},
        {"\0\0\xFE\xFF", 4, ENCODING_MARK_UTF32},
        {"a\0b\0", 4, ENCODING_MARK_UTF16},
        {"\0a\0b", 4, ENCODING_MARK_UTF16},
        {"a\0\0\0", 4, ENCODING_MARK_UTF32},
        {"\0\0\0a", 4, ENCODING_MARK_UTF32},
        {"a\0bc", 4, ENCODING_MARK_NONE},
        {"a\0\0b", 4, ENCODING_MARK_UTF16},
        {"\0\0\0\0", 4, ENCODING_MARK_NONE},
        {"a\0b", 3, ENCODING_MARK_NONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (encoding_mark(cases[i].text, cases[i].length) != cases[i].wanted) {
            fail_msg("case %zu", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_byte),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
